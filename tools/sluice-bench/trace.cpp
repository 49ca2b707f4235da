//===- trace.cpp - The tokens a benchmark runs on -------------------------===//

#include "tools/sluice-bench/trace.h"

#include "runtime/decode/generate.h"
#include "tools/sluice-run/files.h"

#include <random>

namespace sluice::tools {

Result<TokenTrace> TokenTrace::fromFile(const std::string &file, uint32_t vocab,
                                        uint32_t sequences, uint32_t length) {
  SLUICE_ASSIGN_OR_RETURN(TokenLists lists, readPromptIds(file));
  for (size_t i = 0; i < lists.size(); ++i) {
    const std::string where = file + ": list " + std::to_string(i);
    if (lists[i].empty())
      return Status(ErrorCode::InvalidArgument,
                    where + " is empty, expected at least one token");
    for (int32_t token : lists[i])
      if (token < 0 || static_cast<uint32_t>(token) >= vocab)
        return Status(ErrorCode::InvalidArgument,
                      where + " has token id " + std::to_string(token) +
                          ", expected 0 to " + std::to_string(vocab - 1));
  }
  TokenTrace trace;
  trace.texts.resize(sequences);
  const size_t sharing = (sequences + lists.size() - 1) / lists.size();
  for (size_t sequence = 0; sequence < sequences; ++sequence) {
    const std::vector<int32_t> &list = lists[sequence % lists.size()];
    const size_t start = sequence / lists.size() * list.size() / sharing;
    std::vector<int32_t> &text = trace.texts[sequence];
    text.reserve(length);
    for (size_t i = 0; i < length; ++i)
      text.push_back(list[(start + i) % list.size()]);
  }
  return trace;
}

Result<TokenTrace> TokenTrace::fromModel(Executor &executor, uint32_t sequences,
                                         uint32_t length) {
  const auto *stops = executor.plan().get().model()->stop_tokens();
  const int32_t first =
      stops && stops->size() > 0 ? static_cast<int32_t>(stops->Get(0)) : 0;
  const std::vector<std::vector<int32_t>> starts(sequences, {first});
  GenerateOptions options;
  options.maxTokens = length - 1;
  options.ignoreStop = true;
  options.sampling.temperature = 1;
  TokenTrace trace;
  GenerateMetrics metrics;
  if (length > 1)
    SLUICE_RETURN_IF_ERROR(Generator(executor).generate(starts, options, {},
                                                        trace.texts, metrics));
  else
    trace.texts.resize(sequences);
  for (std::vector<int32_t> &text : trace.texts)
    text.insert(text.begin(), first);
  return trace;
}

TokenTrace TokenTrace::random(uint32_t vocab, uint32_t sequences,
                              uint32_t length) {
  // The same tokens in every run.
  // NOLINTNEXTLINE(bugprone-random-generator-seed)
  std::minstd_rand draw(1);
  TokenTrace trace;
  trace.texts.resize(sequences);
  for (std::vector<int32_t> &text : trace.texts)
    for (uint32_t i = 0; i < length; ++i)
      text.push_back(static_cast<int32_t>(draw() % vocab));
  return trace;
}

} // namespace sluice::tools
