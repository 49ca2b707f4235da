//===- printer.cpp - Text on stdout as it is made -------------------------===//

#include "tools/sluice-run/printer.h"

#include <algorithm>

namespace sluice::tools {

Printer::Printer(std::ostream &out,
                 const std::optional<text::Tokenizer> &tokenizer,
                 size_t prompts, size_t maxTokens)
    : out(out), streams(prompts) {
  // Room for the longest id and a space; nothing is allocated between tokens.
  constexpr size_t kIdWidth = 12;
  for (Stream &stream : streams) {
    if (tokenizer)
      stream.decoder.emplace(*tokenizer, /*skipSpecialTokens=*/true);
    stream.text.reserve(
        tokenizer ? std::min<size_t>(stream.decoder->capacityFor(maxTokens),
                                     size_t{1} << 20)
                  : kIdWidth * maxTokens);
  }
}

void Printer::token(uint32_t prompt, int32_t token) {
  Stream &stream = streams[prompt];
  if (stream.decoder) {
    stream.decoder->push(token, stream.text);
  } else {
    stream.text += std::to_string(token);
    stream.text += ' ';
  }
  if (streams.size() == 1) {
    out << stream.text << std::flush;
    stream.text.clear();
  }
}

void Printer::finished(uint32_t prompt) {
  Stream &stream = streams[prompt];
  if (stream.decoder)
    stream.decoder->flush(stream.text);
  stream.done = true;
  printReady();
}

/// Prints the texts whose turn has come.
void Printer::printReady() {
  for (; next < streams.size() && streams[next].done; ++next) {
    if (streams.size() > 1)
      out << "--- prompt " << next << '\n';
    out << streams[next].text << '\n' << std::flush;
  }
}

Status Printer::finish() {
  out.flush();
  if (!out)
    return Status(ErrorCode::Io, "stdout: the text could not be written");
  return Status::ok();
}

} // namespace sluice::tools
