//===- trace.h - The tokens a benchmark runs on -----------------*- C++ -*-===//
//
// Which experts a step needs follows from its tokens, so random tokens would
// misstate routing. Every repetition, every test and every arm of a comparison
// reads the same tokens; nothing is sampled while the clock runs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/executor/executor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::tools {

class TokenTrace {
public:
  /// Texts of the given lists of ids: sequence s reads list s, from its start
  /// again when it ends. With fewer lists than `sequences` several share one,
  /// each from another place, so that they do not route alike. Errors name
  /// `file`: no tokens at all, an empty list, an id that is not in 0..vocab-1.
  static Result<TokenTrace> fromFile(const std::string &file, uint32_t vocab,
                                     uint32_t sequences, uint32_t length);

  /// Texts that the model makes itself, drawn at temperature 1 with a fixed
  /// seed a sequence from a document's start (the first stop token, or token
  /// 0): greedy text would soon repeat itself, and its routing with it. Equal
  /// for equal logits; give --trace-out of one run to the others to compare
  /// backends or arithmetic.
  static Result<TokenTrace> fromModel(Executor &executor, uint32_t sequences,
                                      uint32_t length);

  /// Tokens drawn evenly, for runs in which routing does not follow from them.
  static TokenTrace random(uint32_t vocab, uint32_t sequences, uint32_t length);

  /// The token of `sequence` at `position`, both below what was asked for.
  int32_t token(uint32_t sequence, uint32_t position) const {
    return texts[sequence][position];
  }

  /// What --trace-out writes: an array of ids a sequence.
  const std::vector<std::vector<int32_t>> &lists() const { return texts; }

private:
  std::vector<std::vector<int32_t>> texts;
};

} // namespace sluice::tools
