//===- split_pattern.cpp ----------------------------------------*- C++ -*-===//
#include "runtime/text/split_pattern.h"
#include "runtime/text/pattern_translator.h"

#include <algorithm>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace sluice::text {
namespace {

/// Steps of backtracking in one match. Word patterns need none to speak of; a
/// hostile one ends after about a second.
constexpr uint64_t kMatchLimit = 10'000'000;
/// Steps that a byte of the text adds: a run of spaces is walked back once.
constexpr uint64_t kMatchLimitOfByte = 8;
constexpr uint32_t kHeapLimitKiB = 64 << 10;
constexpr size_t kJitStackStart = 32 << 10, kJitStackMost = 16 << 20;

std::string pcreMessage(int error) {
  char text[160];
  if (pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR *>(text),
                              sizeof text) < 0)
    return "PCRE2 error " + std::to_string(error);
  return text;
}

} // namespace

struct SplitPattern::Code {
  pcre2_code *code = nullptr;
  ~Code() { pcre2_code_free(code); }
};

struct SplitPattern::Scratch::Memory {
  pcre2_match_data *data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context *context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack *stack = nullptr;

  Memory() {
    if (!context)
      return;
    pcre2_set_heap_limit(context, kHeapLimitKiB);
  }
  /// A stack of its own in place of the 32 KiB of the machine's, which are
  /// enough for almost every match. False when there is one already.
  bool growStack() {
    if (stack)
      return false;
    stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr);
    if (stack)
      pcre2_jit_stack_assign(context, nullptr, stack);
    return stack != nullptr;
  }
  ~Memory() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
};

SplitPattern::Scratch::Scratch() : memory(std::make_unique<Memory>()) {}
SplitPattern::Scratch::~Scratch() = default;

Result<SplitPattern> SplitPattern::compile(std::string_view pattern,
                                           std::string where) {
  SLUICE_ASSIGN_OR_RETURN(std::string translated,
                          translatePattern(pattern, where));
  return build(translated, std::move(where));
}

Result<SplitPattern> SplitPattern::literal(std::string_view text,
                                           std::string where) {
  if (text.empty())
    return Status(ErrorCode::Unsupported,
                  where + ": found an empty string, expected one to split at");
  return build(escapeLiteral(text), std::move(where));
}

Result<SplitPattern> SplitPattern::build(const std::string &translated,
                                         std::string where) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context *context = pcre2_compile_context_create(nullptr);
  if (context)
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  auto owned = std::make_shared<Code>();
  owned->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()),
                              translated.size(), PCRE2_UTF | PCRE2_UCP, &error,
                              &offset, context);
  pcre2_compile_context_free(context);
  if (!owned->code)
    return Status(ErrorCode::Unsupported,
                  where + ": found a pattern that PCRE2 refuses (" +
                      pcreMessage(error) + "), expected a regular expression");
  uint32_t matchesEmpty = 0;
  pcre2_pattern_info(owned->code, PCRE2_INFO_MATCHEMPTY, &matchesEmpty);
  if (matchesEmpty)
    return Status(ErrorCode::Unsupported,
                  where + ": found a pattern that can match the empty string, "
                          "expected one that always consumes text");
  // Without machine code (a hardened kernel) PCRE2 interprets: slower, same
  // answer.
  (void)pcre2_jit_compile(owned->code, PCRE2_JIT_COMPLETE);
  SplitPattern pattern;
  pattern.code = std::move(owned);
  pattern.where = std::move(where);
  return pattern;
}

Status SplitPattern::split(std::string_view text, bool keepMatches,
                           bool keepGaps, Scratch &scratch,
                           const Sink &sink) const {
  Scratch::Memory &memory = *scratch.memory;
  if (!memory.data || !memory.context)
    return Status(ErrorCode::OutOfMemory,
                  where + ": no memory to match a pattern");
  pcre2_set_match_limit(
      memory.context,
      static_cast<uint32_t>(std::min<uint64_t>(
          kMatchLimit + kMatchLimitOfByte * text.size(), UINT32_MAX)));
  size_t covered = 0;
  auto gapUntil = [&](size_t end) {
    return keepGaps && end > covered ? sink(text.substr(covered, end - covered))
                                     : Status::ok();
  };
  while (covered < text.size()) {
    // The text was checked once; checking it for each match would take
    // quadratic time.
    int count = pcre2_match(
        code->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
        covered, PCRE2_NO_UTF_CHECK, memory.data, memory.context);
    if (count == PCRE2_ERROR_NOMATCH)
      break;
    if (count == PCRE2_ERROR_JIT_STACKLIMIT && memory.growStack())
      continue;
    if (count < 0)
      return Status(ErrorCode::Unsupported,
                    where + ": found a pattern that gives up on this text (" +
                        pcreMessage(count) +
                        "), expected one that needs little backtracking");
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(memory.data);
    if (ends[1] <= covered || ends[0] >= ends[1])
      return Status(ErrorCode::Internal, where + ": an empty match");
    size_t begin = ends[0], end = ends[1]; // The sink may match on its own.
    SLUICE_RETURN_IF_ERROR(gapUntil(begin));
    if (keepMatches)
      SLUICE_RETURN_IF_ERROR(sink(text.substr(begin, end - begin)));
    covered = end;
  }
  return gapUntil(text.size());
}

} // namespace sluice::text
