//===- routing_recorder.cpp - Keeps which experts every token used --------===//

#include "runtime/decode/routing_recorder.h"

#include "runtime/experts/routing_file.h"

#include <algorithm>
#include <limits>

namespace sluice {

using plan::fb::Role;

namespace {

template <typename T>
void append(std::vector<T> &target, std::span<const std::byte> bytes,
            size_t first, size_t count) {
  const T *values = reinterpret_cast<const T *>(bytes.data()) + first;
  target.insert(target.end(), values, values + count);
}

} // namespace

RoutingRecorder::RoutingRecorder(const Executor &executor)
    : topK(executor.plan().get().model()->top_k()),
      expertCount(executor.plan().get().model()->experts()),
      fingerprint(executor.plan().get().fingerprint()),
      model(executor.plan().get().model()->name()->str()) {
  // Every entry records the same layers; the verifier checks that.
  const auto *entries = executor.plan().get().entries();
  if (entries->size() == 0)
    return;
  for (const plan::fb::Port *port : *entries->Get(0)->outputs())
    if (port->role() == Role::ExpertIds)
      layers.push_back(port->layer());
}

void RoutingRecorder::reserve(uint64_t rows) {
  const uint64_t perRow = uint64_t{topK} * layers.size();
  experts.reserve(experts.size() + rows * perRow);
  weights.reserve(weights.size() + rows * perRow);
  for (auto *column : {&tokens, &positions, &sequences})
    column->reserve(column->size() + rows);
  uses.resize(layers.size() * expertCount);
  transitions.resize(uses.size() * expertCount);
}

void RoutingRecorder::record(Executor &executor, EntryPoint entry,
                             std::span<const uint32_t> prompts) {
  reserve(0); // the sums, for callers that did not
  const size_t rows = prompts.size();
  append(tokens, executor.input(entry, Role::Tokens), 0, rows);
  append(positions, executor.input(entry, Role::Positions), 0, rows);
  sequences.insert(sequences.end(), prompts.begin(), prompts.end());
  for (size_t row = 0; row < rows; ++row) {
    for (uint32_t layer : layers) {
      append(experts, executor.output(entry, Role::ExpertIds, layer),
             row * topK, topK);
      append(weights, executor.output(entry, Role::ExpertWeights, layer),
             row * topK, topK);
    }
    addUp(tokens.size() - rows + row);
  }
}

/// Counts row `row` of `experts`.
void RoutingRecorder::addUp(size_t row) {
  const auto isExpert = [this](int32_t id) {
    return id >= 0 && static_cast<uint32_t>(id) < expertCount;
  };
  const int32_t *before = nullptr;
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const int32_t *ids = experts.data() + (row * layers.size() + layer) * topK;
    for (uint32_t rank = 0; rank < topK; ++rank) {
      if (!isExpert(ids[rank]))
        continue;
      const auto id = static_cast<size_t>(ids[rank]);
      ++uses[layer * expertCount + id];
      for (uint32_t from = 0; before != nullptr && from < topK; ++from)
        if (isExpert(before[from])) {
          int32_t &count = transitions[(layer * expertCount +
                                        static_cast<size_t>(before[from])) *
                                           expertCount +
                                       id];
          count += count < std::numeric_limits<int32_t>::max();
        }
    }
    before = ids;
  }
}

Status RoutingRecorder::write(const std::string &path) const {
  const auto rows = static_cast<float>(std::max<size_t>(tokens.size(), 1));
  std::vector<float> popularity(layers.size() * expertCount, 0);
  for (size_t i = 0; i < uses.size(); ++i)
    popularity[i] = std::min(1.0f, static_cast<float>(uses[i]) / rows);
  std::vector<int32_t> none; // of a recorder that saw no step
  if (transitions.empty())
    none.resize(popularity.size() * expertCount);
  return sluice::experts::writeRoutingFile(
      path, {.model = model,
             .fingerprint = fingerprint,
             .experts = expertCount,
             .topK = topK,
             .layers = layers,
             .ids = experts,
             .weights = weights,
             .tokens = tokens,
             .positions = positions,
             .sequences = sequences,
             .popularity = popularity,
             .transitions = transitions.empty() ? none : transitions});
}

} // namespace sluice
