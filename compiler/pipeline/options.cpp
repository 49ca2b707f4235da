//===- options.cpp - Defaults and limits of a compile ---------------------===//

#include "compiler/pipeline/options.h"

#include <algorithm>
#include <cstdlib>

namespace sluice {
namespace {

Status outOfRange(const char *flag, int64_t found,
                  const std::string &expected) {
  return Status(ErrorCode::InvalidArgument, std::string(flag) + " is " +
                                                std::to_string(found) +
                                                ", expected " + expected);
}

} // namespace

const char *name(ExpertMode mode) {
  constexpr const char *kNames[] = {"auto", "fetch", "host", "split"};
  return kNames[static_cast<int>(mode)];
}

Result<Limits> resolveLimits(const CompileOptions &options,
                             int64_t maxPositions) {
  constexpr int64_t kMaxDim = int64_t{1} << 31;
  Limits limits;
  limits.batch = options.batch;
  if (limits.batch < 1 || limits.batch > CompileOptions::kMaxBatch)
    return outOfRange("--batch", limits.batch,
                      "1 to " + std::to_string(CompileOptions::kMaxBatch));
  limits.maxSeq = options.maxSeq.value_or(
      std::min(CompileOptions::kDefaultMaxSeq, maxPositions));
  if (limits.maxSeq < 1 || limits.maxSeq > maxPositions)
    return outOfRange("--max-seq", limits.maxSeq,
                      "1 to the model's " + std::to_string(maxPositions) +
                          " positions (max_position_embeddings)");
  int64_t page = CompileOptions::kPageTokens;
  limits.pagesPerSequence = limits.maxSeq / page + (limits.maxSeq % page != 0);
  // Both factors are below 2^60 and 2^13.
  if (__builtin_mul_overflow(limits.pagesPerSequence, limits.batch,
                             &limits.pages) ||
      limits.pages > kMaxDim / page)
    return outOfRange("--max-seq", limits.maxSeq,
                      "at most 2^31 tokens in all sequences together");
  int64_t tokens = limits.maxSeq * limits.batch;
  limits.prefillRows = std::min(
      options.prefillRows.value_or(CompileOptions::kDefaultPrefillRows),
      tokens);
  if (limits.prefillRows < 1)
    return outOfRange("--prefill-rows", limits.prefillRows, "at least 1");
  // A step has a row of each sequence whose logits it gives.
  if (limits.prefillRows < limits.batch)
    return outOfRange("--prefill-rows", limits.prefillRows,
                      "at least the " + std::to_string(limits.batch) +
                          " of --batch");
  return limits;
}

std::string describe(const CompileOptions &options, const Limits &limits) {
  std::string text =
      "--batch " + std::to_string(limits.batch) + " --max-seq " +
      std::to_string(limits.maxSeq) + " --prefill-rows " +
      std::to_string(limits.prefillRows) + " --activations " +
      name(options.activations) + " --arithmetic " +
      (options.arithmetic == ArithmeticChoice::Auto ? "auto" : "portable");
  if (options.gpuMemory)
    text += " --gpu-memory " + std::to_string(*options.gpuMemory);
  if (options.hostMemory)
    text += " --host-memory " + std::to_string(*options.hostMemory);
  if (options.experts != ExpertMode::Auto)
    text += std::string(" --experts ") + name(options.experts);
  if (options.schedule == ScheduleKind::Serial)
    text += " --schedule serial";
  if (!options.hardwareFile.empty())
    text += " --hardware " + options.hardwareFile;
  if (!options.routingFile.empty())
    text += " --routing " + options.routingFile;
  for (const std::string &pass : options.disabledPasses)
    text += " --disable-pass " + pass;
  return text;
}

Result<uint64_t> parseBytes(std::string_view text) {
  Status error(ErrorCode::InvalidArgument,
               "'" + std::string(text) +
                   "' is no size, expected a number of bytes or one with "
                   "KiB, MiB, GiB, TiB, KB, MB, GB or TB");
  std::string copy(text);
  if (copy.empty() || copy.front() < '0' || copy.front() > '9' ||
      copy.find_first_of("xXpPnN") != std::string::npos)
    return error;
  char *end = nullptr;
  double number = std::strtod(copy.c_str(), &end);
  std::string_view unit(end);
  while (unit.starts_with(' '))
    unit.remove_prefix(1);
  struct {
    std::string_view name;
    double bytes;
  } constexpr kUnits[] = {{"", 1},         {"B", 1},        {"KiB", 0x1p10},
                          {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                          {"KB", 1e3},     {"MB", 1e6},     {"GB", 1e9},
                          {"TB", 1e12}};
  for (const auto &known : kUnits)
    if (unit == known.name) {
      double bytes = number * known.bytes;
      if (!(bytes < 0x1p63))
        return error;
      return static_cast<uint64_t>(bytes);
    }
  return error;
}

} // namespace sluice
