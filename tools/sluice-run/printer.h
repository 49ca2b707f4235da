//===- printer.h - Text on stdout as it is made -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/text/stream_decoder.h"

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace sluice::tools {

/// Prints what prompts yield: a single prompt token by token, several one after
/// the other as whole texts, in the order of the prompts. Without a tokenizer
/// the ids themselves, a line a prompt.
class Printer {
public:
  Printer(std::ostream &out, const std::optional<text::Tokenizer> &tokenizer,
          size_t prompts, size_t maxTokens);

  void token(uint32_t prompt, int32_t token);
  void finished(uint32_t prompt);
  /// The end of the output: Io when stdout did not take all of it.
  Status finish();

private:
  struct Stream {
    std::optional<text::StreamDecoder> decoder;
    std::string text;
    bool done = false;
  };

  void printReady();

  std::ostream &out;
  std::vector<Stream> streams;
  size_t next = 0; ///< The first prompt that is not printed whole.
};

} // namespace sluice::tools
