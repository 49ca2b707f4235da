//===- routing_recorder.cpp - Keeps which experts every token used --------===//

#include "runtime/decode/routing_recorder.h"

#include "runtime/io/safetensors_writer.h"

#include <cstdio>

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
      fingerprint(executor.plan().get().fingerprint()) {
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
}

void RoutingRecorder::record(Executor &executor, EntryPoint entry,
                             std::span<const uint32_t> prompts) {
  const size_t rows = prompts.size();
  append(tokens, executor.input(entry, Role::Tokens), 0, rows);
  append(positions, executor.input(entry, Role::Positions), 0, rows);
  sequences.insert(sequences.end(), prompts.begin(), prompts.end());
  for (size_t row = 0; row < rows; ++row)
    for (uint32_t layer : layers) {
      append(experts, executor.output(entry, Role::ExpertIds, layer),
             row * topK, topK);
      append(weights, executor.output(entry, Role::ExpertWeights, layer),
             row * topK, topK);
    }
}

Status RoutingRecorder::write(const std::string &path) const {
  const auto rows = static_cast<int64_t>(tokens.size());
  const auto layerCount = static_cast<int64_t>(layers.size());
  char hexadecimal[17];
  std::snprintf(hexadecimal, sizeof hexadecimal, "%016llx",
                static_cast<unsigned long long>(fingerprint));
  using enum StorageType;
  SLUICE_ASSIGN_OR_RETURN(
      auto file,
      SafetensorsWriter::create(
          path,
          {{"experts", I32, {rows, layerCount, topK}},
           {"weights", F32, {rows, layerCount, topK}},
           {"tokens", I32, {rows}},
           {"positions", I32, {rows}},
           {"sequences", I32, {rows}},
           {"layers", I32, {layerCount}}},
          {{"format", "sluice-routing-1"}, {"fingerprint", hexadecimal}}));
  auto append = [&file](const auto &values) {
    return file.append(values.data(), values.size() * sizeof(values[0]));
  };
  SLUICE_RETURN_IF_ERROR(append(experts));
  SLUICE_RETURN_IF_ERROR(append(weights));
  SLUICE_RETURN_IF_ERROR(append(tokens));
  SLUICE_RETURN_IF_ERROR(append(positions));
  SLUICE_RETURN_IF_ERROR(append(sequences));
  SLUICE_RETURN_IF_ERROR(append(layers));
  return file.finish();
}

} // namespace sluice
