//===- routing_source.cpp - Routing that no router chose ------------------===//

#include "runtime/experts/routing_source.h"

#include "runtime/core/json.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <string>

namespace sluice::experts {
namespace {

class Replay final : public RoutingSource {
public:
  Replay(const RoutingShape &shape, RoutingTrace trace)
      : maxRows(shape.maxRows),
        sequences(shape.sequences == 0 ? shape.maxRows : shape.sequences),
        trace(std::move(trace)) {}

  void fill(uint64_t step, uint32_t bank, uint32_t rows, uint32_t topK,
            int32_t *ids) override {
    assert(topK == trace.topK && bank < trace.banks && rows <= maxRows &&
           "not the shape that the source was made for");
    const uint32_t streams = rows <= sequences ? sequences : maxRows;
    for (uint32_t row = 0; row < rows; ++row)
      ids = std::ranges::copy(
                trace.at(tokenOf(step, row, streams, trace.rows), bank), ids)
                .out;
  }

private:
  uint32_t maxRows, sequences;
  RoutingTrace trace;
};

Status unexpected(std::string_view found, const std::string &expected) {
  return Status(ErrorCode::InvalidArgument,
                "routing: found " + inQuotes(found) + ", expected " + expected);
}

/// The whole of `text` as a number of `least`..`most`, or false.
template <typename Number>
bool parseNumber(std::string_view text, Number least, Number most,
                 Number &number) {
  const char *end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end && number >= least && number <= most;
}

/// "repeat=R,skew=S,seed=N"
Result<SyntheticRouting> parseSynthetic(std::string_view text) {
  SyntheticRouting how;
  bool seen[3] = {};
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    if (comma + 1 == text.size())
      return unexpected(text, "no comma at the end");
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    const std::string_view value =
        equals == part.npos ? std::string_view() : part.substr(equals + 1);
    size_t index;
    if (key == "repeat") {
      index = 0;
      if (!parseNumber(value, 0.0, 1.0, how.repeat))
        return unexpected(part, "repeat=0 to repeat=1");
    } else if (key == "skew") {
      index = 1;
      if (!parseNumber(value, 0.0, 16.0, how.skew))
        return unexpected(part, "skew=0 to skew=16");
    } else if (key == "seed") {
      index = 2;
      if (!parseNumber<uint64_t>(value, 0, ~uint64_t{0}, how.seed))
        return unexpected(part, "seed= and a whole number below 2^64");
    } else {
      return unexpected(part, "repeat=, skew= or seed=");
    }
    if (seen[index])
      return unexpected(part, std::string(key) + " no more than once");
    seen[index] = true;
  }
  return how;
}

} // namespace

Result<std::unique_ptr<RoutingSource>>
makeReplayRouting(const RoutingShape &shape, RoutingTrace trace) {
  if (trace.banks != shape.banks || trace.experts != shape.experts ||
      trace.topK != shape.topK || trace.rows == 0)
    return Status(ErrorCode::Unsupported,
                  "recorded routing: found " + std::to_string(trace.rows) +
                      " tokens through " + std::to_string(trace.banks) +
                      " layers of " + std::to_string(trace.experts) +
                      " experts, top " + std::to_string(trace.topK) +
                      ", expected some through " + std::to_string(shape.banks) +
                      " layers of " + std::to_string(shape.experts) +
                      " experts, top " + std::to_string(shape.topK));
  return std::unique_ptr<RoutingSource>(
      std::make_unique<Replay>(shape, std::move(trace)));
}

Result<std::unique_ptr<RoutingSource>>
parseRoutingSource(std::string_view text, const RoutingShape &shape,
                   const RoutingExpectation &expectation) {
  constexpr std::string_view kReplay = "replay:", kSynthetic = "synthetic";
  if (text.starts_with(kReplay)) {
    SLUICE_ASSIGN_OR_RETURN(
        auto trace, readRoutingTrace(std::string(text.substr(kReplay.size())),
                                     expectation));
    return makeReplayRouting(shape, std::move(trace));
  }
  const std::string_view options =
      text.substr(std::min(text.size(), kSynthetic.size()));
  if (text.starts_with(kSynthetic) &&
      (options.empty() || options.front() == ':')) {
    SLUICE_ASSIGN_OR_RETURN(
        auto how, parseSynthetic(options.substr(options.empty() ? 0 : 1)));
    return makeSyntheticRouting(shape, how);
  }
  return unexpected(text, "replay:FILE or "
                          "synthetic:repeat=R,skew=S,seed=N");
}

} // namespace sluice::experts
