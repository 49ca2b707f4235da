//===- files.cpp - What goes between files and sluice-run -----------------===//

#include "tools/sluice-run/files.h"

#include "runtime/core/json.h"
#include "runtime/io/file.h"
#include "runtime/io/safetensors_writer.h"

#include <limits>

namespace sluice::tools {
namespace {

/// One prompt: every element an integer that fits a token id.
Result<std::vector<int32_t>> tokenList(const nlohmann::json &array,
                                       const std::string &where) {
  std::vector<int32_t> tokens;
  for (const nlohmann::json &value : array) {
    const auto *integer = value.get_ptr<const int64_t *>();
    if (!integer || *integer < 0 ||
        *integer > std::numeric_limits<int32_t>::max())
      return Status(ErrorCode::Corrupt,
                    where + ": element " + std::to_string(tokens.size()) +
                        " is " + describeJson(value) + ", expected a token id");
    tokens.push_back(static_cast<int32_t>(*integer));
  }
  return tokens;
}

template <typename T>
Status appendValues(SafetensorsWriter &file, const std::vector<T> &values) {
  return file.append(values.data(), values.size() * sizeof(T));
}

} // namespace

Result<TokenLists> readPromptIds(const std::string &path) {
  SLUICE_ASSIGN_OR_RETURN(std::string text, readTextFile(path));
  SLUICE_ASSIGN_OR_RETURN(nlohmann::json root, parseJson(text, path));
  if (!root.is_array() || root.empty())
    return Status(ErrorCode::Corrupt,
                  path + ": found " + describeJson(root) +
                      ", expected an array of token ids or of such arrays");
  TokenLists prompts;
  if (!root.front().is_array()) {
    SLUICE_ASSIGN_OR_RETURN(auto tokens, tokenList(root, path));
    prompts.push_back(std::move(tokens));
    return prompts;
  }
  for (const nlohmann::json &element : root) {
    const std::string where =
        path + ": prompt " + std::to_string(prompts.size());
    if (!element.is_array())
      return Status(ErrorCode::Corrupt, where + " is " + describeJson(element) +
                                            ", expected an array of token ids");
    SLUICE_ASSIGN_OR_RETURN(auto tokens, tokenList(element, where));
    prompts.push_back(std::move(tokens));
  }
  return prompts;
}

Status writeIds(const std::string &path, const TokenLists &outputs) {
  return writeFile(path, nlohmann::json(outputs).dump() + "\n");
}

void LogitsFile::addPrompt(uint32_t prompt, std::span<const float> logits) {
  rows[prompt].prompt.assign(logits.begin(), logits.end());
}

void LogitsFile::addStep(uint32_t prompt, std::span<const float> logits) {
  rows[prompt].steps.insert(rows[prompt].steps.end(), logits.begin(),
                            logits.end());
}

Status LogitsFile::write(const std::string &path) const {
  const auto width = static_cast<int64_t>(vocab);
  std::vector<SafetensorsWriter::Entry> tensors;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string number = std::to_string(i);
    tensors.push_back({"logits." + number, StorageType::F32, {width}});
    if (!rows[i].steps.empty())
      tensors.push_back(
          {"steps." + number,
           StorageType::F32,
           {static_cast<int64_t>(rows[i].steps.size() / vocab), width}});
  }
  SLUICE_ASSIGN_OR_RETURN(auto file, SafetensorsWriter::create(path, tensors));
  for (const Row &row : rows) {
    SLUICE_RETURN_IF_ERROR(appendValues(file, row.prompt));
    if (!row.steps.empty())
      SLUICE_RETURN_IF_ERROR(appendValues(file, row.steps));
  }
  return file.finish();
}

Status writeMetrics(const std::string &path, const GenerateMetrics &metrics,
                    const ExpertCounters &experts, const RunFacts &facts) {
  auto ratio = [](double count, double of) -> nlohmann::json {
    return of > 0 ? nlohmann::json(count / of) : nlohmann::json(nullptr);
  };
  auto known = [](double value, bool isKnown) -> nlohmann::json {
    return isKnown ? nlohmann::json(value) : nlohmann::json(nullptr);
  };
  const nlohmann::json object = {
      {"backend", facts.backend},
      {"routing", facts.routing},
      {"load_ms", facts.loadMs},
      {"prompt_tokens", metrics.promptTokens},
      {"tokens", metrics.tokens},
      {"ttft_ms", metrics.ttftMs},
      {"prefill_tok_s",
       ratio(double(metrics.promptTokens) * 1e3, metrics.prefillMs)},
      {"decode_tok_s",
       ratio(double(metrics.decodeTokens) * 1e3, metrics.decodeMs)},
      {"decode_steps", metrics.decodeSteps},
      {"step_ms", ratio(metrics.decodeMs, double(metrics.decodeSteps))},
      {"predicted_step_ms",
       known(facts.predictedStepMs, facts.predictedStepMs > 0)},
      {"expert_hits", experts.hits},
      {"expert_misses", experts.misses},
      {"expert_bytes_moved", experts.bytesMoved},
      {"expert_bytes_wasted", experts.bytesWasted},
      {"bubble_share",
       known(experts.bubbleShare.value_or(0), experts.bubbleShare.has_value())},
      {"acceptance_length", nullptr},
  };
  return writeFile(path, object.dump(2) + "\n");
}

} // namespace sluice::tools
