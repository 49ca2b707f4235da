//===- split_pattern.h - Cutting text into words ----------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::text {

/// A compiled regular expression that cuts text. Immutable: several threads may
/// use it at once. Owns its machine code.
class SplitPattern {
public:
  /// `pattern` as it stands in tokenizer.json (see translatePattern). Refuses
  /// one that can match nothing. `where` names file and key in errors.
  static Result<SplitPattern> compile(std::string_view pattern,
                                      std::string where);
  /// A pattern that finds `text` itself.
  static Result<SplitPattern> literal(std::string_view text, std::string where);

  /// The working memory of one thread's calls. May be used for any pattern.
  class Scratch;

  /// Takes one piece; an error ends the cutting.
  using Sink = std::function<Status(std::string_view)>;

  /// Calls `sink`, in order, with the matches in `text` and with the text
  /// between them, where they are wanted. `text` is valid UTF-8; lookahead sees
  /// its end. A pattern that backtracks without end is an error.
  Status split(std::string_view text, bool keepMatches, bool keepGaps,
               Scratch &scratch, const Sink &sink) const;

private:
  struct Code;
  static Result<SplitPattern> build(const std::string &translated,
                                    std::string where);

  std::shared_ptr<const Code> code;
  std::string where;
};

class SplitPattern::Scratch {
public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

private:
  friend class SplitPattern;
  struct Memory;
  std::unique_ptr<Memory> memory;
};

} // namespace sluice::text
