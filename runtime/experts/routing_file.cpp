//===- routing_file.cpp - routing.safetensors, out and in -----------------===//

#include "runtime/experts/routing_file.h"

#include "runtime/core/json.h"
#include "runtime/io/file.h"
#include "runtime/io/safetensors.h"
#include "runtime/io/safetensors_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace sluice::experts {
namespace {

/// Ids of experts are 16 bits wide in plans.
constexpr int64_t kMaxExperts = 65535;

std::string hexadecimal(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

/// An open file whose header fits itself and the expected model.
struct Opened {
  File file;
  SafetensorsHeader header;
  RoutingStatistics facts; ///< All but popularity and transitions.

  Status fail(const char *tensor, const std::string &what) const {
    return Status(ErrorCode::Corrupt,
                  file.path() + ": tensor " + inQuotes(tensor) + ": " + what);
  }

  /// The tensor of that name, type and shape; -1 stands for any size.
  Result<const SafetensorsTensor *> tensor(const char *name, StorageType type,
                                           std::vector<int64_t> shape) const {
    const SafetensorsTensor *found = header.find(name);
    if (!found)
      return Status(ErrorCode::NotFound,
                    file.path() + ": tensor " + inQuotes(name) +
                        " is missing, expected what sluice-run "
                        "--record-routing writes");
    bool fits = found->dtype == type && found->shape.size() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits = shape[i] == -1 || shape[i] == found->shape[i];
    if (!fits)
      return fail(
          name,
          "found " + describe(found->dtype, found->shape) + ", expected " +
              describe(type, shape) +
              (std::ranges::count(shape, -1) != 0 ? " (-1: any size)" : ""));
    return found;
  }

  template <typename T>
  Status read(const SafetensorsTensor &tensor, std::vector<T> &values) const {
    // The header was checked against the file: so many bytes are there.
    values.resize(tensor.bytes / sizeof(T));
    return file.read(tensor.offset, std::as_writable_bytes(std::span(values)));
  }
};

template <typename T>
bool differs(const T &expected, const T &found, const T &unknown) {
  return expected != unknown && expected != found;
}

Status checkModel(const Opened &opened, const RoutingExpectation &expected) {
  const RoutingStatistics &found = opened.facts;
  auto other = [&](const std::string &what, const std::string &wanted) {
    return Status(
        ErrorCode::Unsupported,
        opened.file.path() + ": recorded with model " + inQuotes(found.model) +
            ", " + what + ", expected " +
            (expected.model.empty() ? "" : inQuotes(expected.model) + ", ") +
            wanted);
  };
  auto layerList = [](const std::vector<uint32_t> &layers) {
    std::string text = std::to_string(layers.size()) + " MoE layers";
    for (size_t i = 0; i < layers.size() && i < 4; ++i)
      text += (i == 0 ? " " : ", ") + std::to_string(layers[i]);
    return text + (layers.size() > 4 ? ", ..." : "");
  };
  if (differs(expected.fingerprint, found.fingerprint, uint64_t{0}))
    return other("fingerprint " + hexadecimal(found.fingerprint),
                 "fingerprint " + hexadecimal(expected.fingerprint));
  if (differs(expected.layers, found.layers, {}))
    return other(layerList(found.layers), layerList(expected.layers));
  if (differs(expected.experts, found.experts, 0u))
    return other(std::to_string(found.experts) + " experts",
                 std::to_string(expected.experts));
  if (differs(expected.topK, found.topK, 0u))
    return other("top " + std::to_string(found.topK),
                 "top " + std::to_string(expected.topK));
  return Status::ok();
}

Result<Opened> open(const std::string &path,
                    const RoutingExpectation &expectation) {
  SLUICE_ASSIGN_OR_RETURN(File file, File::open(path));
  SLUICE_ASSIGN_OR_RETURN(auto header, SafetensorsHeader::read(file));
  Opened opened{std::move(file), std::move(header), {}};
  RoutingStatistics &facts = opened.facts;

  const auto &metadata = opened.header.metadata();
  const auto fingerprint = metadata.find("fingerprint");
  const std::string text =
      fingerprint == metadata.end() ? "" : fingerprint->second;
  const auto [end, error] = std::from_chars(
      text.data(), text.data() + text.size(), facts.fingerprint, 16);
  if (error != std::errc() || text.size() != 16 || end != &text.back() + 1)
    return Status(ErrorCode::Corrupt,
                  path + ": metadata fingerprint: found " + inQuotes(text) +
                      ", expected 16 hexadecimal digits (is it a file of "
                      "sluice-run --record-routing?)");
  const auto model = metadata.find("model");
  facts.model = model == metadata.end() ? "(unnamed)" : model->second;

  using enum StorageType;
  SLUICE_ASSIGN_OR_RETURN(const auto *layers,
                          opened.tensor("layers", I32, {-1}));
  SLUICE_RETURN_IF_ERROR(opened.read(*layers, facts.layers));
  const int64_t count = layers->shape[0];
  SLUICE_ASSIGN_OR_RETURN(const auto *popularity,
                          opened.tensor("popularity", F32, {count, -1}));
  const int64_t experts = popularity->shape[1];
  SLUICE_ASSIGN_OR_RETURN(const auto *ids,
                          opened.tensor("experts", I32, {-1, count, -1}));
  const int64_t topK = ids->shape[2];
  if (count < 1 || experts < 1 || experts > kMaxExperts || topK < 1 ||
      topK > experts)
    return Status(
        ErrorCode::Corrupt,
        path + ": found " + std::to_string(count) + " MoE layers, " +
            std::to_string(experts) + " experts and top " +
            std::to_string(topK) + ", expected 1 layer or more, 1 to " +
            std::to_string(kMaxExperts) + " experts and top 1 to the experts");
  facts.experts = static_cast<uint32_t>(experts);
  facts.topK = static_cast<uint32_t>(topK);
  facts.rows = static_cast<uint64_t>(ids->shape[0]);
  SLUICE_RETURN_IF_ERROR(checkModel(opened, expectation));
  return opened;
}

std::string place(size_t index, size_t columns, const char *what) {
  return std::string(what) + " " + std::to_string(index % columns) +
         " of row " + std::to_string(index / columns);
}

} // namespace

Status writeRoutingFile(const std::string &path,
                        const RoutingRecording &recording) {
  const auto rows = static_cast<int64_t>(recording.tokens.size());
  const auto layers = static_cast<int64_t>(recording.layers.size());
  const int64_t topK = recording.topK, experts = recording.experts;
  using enum StorageType;
  SLUICE_ASSIGN_OR_RETURN(
      auto file, SafetensorsWriter::create(
                     path,
                     {{"experts", I32, {rows, layers, topK}},
                      {"weights", F32, {rows, layers, topK}},
                      {"tokens", I32, {rows}},
                      {"positions", I32, {rows}},
                      {"sequences", I32, {rows}},
                      {"layers", I32, {layers}},
                      {"popularity", F32, {layers, experts}},
                      {"transitions", I32, {layers, experts, experts}}},
                     {{"format", "sluice-routing-2"},
                      {"fingerprint", hexadecimal(recording.fingerprint)},
                      {"model", recording.model}}));
  auto append = [&file](const auto &values) {
    return file.append(values.data(), values.size_bytes());
  };
  SLUICE_RETURN_IF_ERROR(append(recording.ids));
  SLUICE_RETURN_IF_ERROR(append(recording.weights));
  SLUICE_RETURN_IF_ERROR(append(recording.tokens));
  SLUICE_RETURN_IF_ERROR(append(recording.positions));
  SLUICE_RETURN_IF_ERROR(append(recording.sequences));
  SLUICE_RETURN_IF_ERROR(append(recording.layers));
  SLUICE_RETURN_IF_ERROR(append(recording.popularity));
  SLUICE_RETURN_IF_ERROR(append(recording.transitions));
  return file.finish();
}

Result<RoutingStatistics>
readRoutingStatistics(const std::string &path,
                      const RoutingExpectation &expectation) {
  SLUICE_ASSIGN_OR_RETURN(Opened opened, open(path, expectation));
  RoutingStatistics &facts = opened.facts;
  const int64_t layers = static_cast<int64_t>(facts.layers.size());
  using enum StorageType;
  SLUICE_ASSIGN_OR_RETURN(
      const auto *popularity,
      opened.tensor("popularity", F32, {layers, facts.experts}));
  SLUICE_ASSIGN_OR_RETURN(
      const auto *transitions,
      opened.tensor("transitions", I32,
                    {layers, facts.experts, facts.experts}));
  SLUICE_RETURN_IF_ERROR(opened.read(*popularity, facts.popularity));
  SLUICE_RETURN_IF_ERROR(opened.read(*transitions, facts.transitions));
  for (size_t i = 0; i < facts.popularity.size(); ++i)
    if (!(facts.popularity[i] >= 0 && facts.popularity[i] <= 1))
      return opened.fail("popularity", place(i, facts.experts, "expert") +
                                           ": found " +
                                           std::to_string(facts.popularity[i]) +
                                           ", expected uses a token, 0 to 1");
  for (size_t i = 0; i < facts.transitions.size(); ++i)
    if (facts.transitions[i] < 0)
      return opened.fail("transitions",
                         place(i, facts.experts, "expert") + ": found " +
                             std::to_string(facts.transitions[i]) +
                             ", expected a count of 0 or more");
  return std::move(facts);
}

std::vector<uint16_t> RoutingStatistics::successors(uint32_t layer,
                                                    uint32_t count) const {
  std::vector<uint16_t> lists(size_t{experts} * count), order(experts);
  const float *popular = popularity.data() + size_t{layer} * experts;
  for (uint32_t from = 0; from < experts; ++from) {
    const int32_t *counts =
        transitions.data() + (size_t{layer} * experts + from) * experts;
    std::iota(order.begin(), order.end(), uint16_t{0});
    std::partial_sort(order.begin(), order.begin() + count, order.end(),
                      [&](uint16_t a, uint16_t b) {
                        if (counts[a] != counts[b])
                          return counts[a] > counts[b];
                        if (popular[a] != popular[b])
                          return popular[a] > popular[b];
                        return a < b;
                      });
    std::copy_n(order.begin(), count, lists.begin() + size_t{from} * count);
  }
  return lists;
}

Result<RoutingTrace> readRoutingTrace(const std::string &path,
                                      const RoutingExpectation &expectation) {
  SLUICE_ASSIGN_OR_RETURN(Opened opened, open(path, expectation));
  const RoutingStatistics &facts = opened.facts;
  const auto rows = static_cast<int64_t>(facts.rows);
  const auto layers = static_cast<int64_t>(facts.layers.size());
  using enum StorageType;
  SLUICE_ASSIGN_OR_RETURN(
      const auto *ids,
      opened.tensor("experts", I32, {rows, layers, facts.topK}));
  SLUICE_ASSIGN_OR_RETURN(const auto *positions,
                          opened.tensor("positions", I32, {rows}));
  SLUICE_ASSIGN_OR_RETURN(const auto *sequences,
                          opened.tensor("sequences", I32, {rows}));
  if (rows == 0)
    return opened.fail("experts", "found no rows, expected at least one token");
  std::vector<int32_t> position, sequence, recorded;
  SLUICE_RETURN_IF_ERROR(opened.read(*positions, position));
  SLUICE_RETURN_IF_ERROR(opened.read(*sequences, sequence));
  SLUICE_RETURN_IF_ERROR(opened.read(*ids, recorded));

  std::vector<uint64_t> usedAt(facts.experts, 0); // 1 + the latest list's index
  for (size_t i = 0; i < recorded.size(); ++i) {
    const int32_t id = recorded[i];
    if (id < 0 || static_cast<uint32_t>(id) >= facts.experts)
      return opened.fail("experts", place(i, facts.topK, "rank") + ": found " +
                                        std::to_string(id) +
                                        ", expected 0 to " +
                                        std::to_string(facts.experts - 1));
    uint64_t &list = usedAt[static_cast<size_t>(id)];
    if (list == 1 + i / facts.topK)
      return opened.fail("experts", place(i, facts.topK, "rank") + ": found " +
                                        std::to_string(id) +
                                        " twice, expected distinct experts");
    list = 1 + i / facts.topK;
  }

  std::vector<uint64_t> order(facts.rows);
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) {
    if (sequence[a] != sequence[b])
      return sequence[a] < sequence[b];
    return position[a] != position[b] ? position[a] < position[b] : a < b;
  });
  RoutingTrace trace{.banks = static_cast<uint32_t>(layers),
                     .experts = facts.experts,
                     .topK = facts.topK,
                     .rows = facts.rows,
                     .ids = {}};
  trace.ids.reserve(recorded.size());
  const size_t perRow = size_t{trace.banks} * trace.topK;
  for (uint64_t row : order) {
    const auto first = recorded.begin() + static_cast<int64_t>(row * perRow);
    trace.ids.insert(trace.ids.end(), first,
                     first + static_cast<int64_t>(perRow));
  }
  return trace;
}

} // namespace sluice::experts
