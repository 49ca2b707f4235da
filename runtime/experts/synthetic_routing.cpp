//===- synthetic_routing.cpp - Routing by dice ----------------------------===//
//
// Every row of every step has random numbers of its own, from the seed and its
// place, so that nothing depends on what was asked before but the row's ids of
// the step before.
//
//===----------------------------------------------------------------------===//

#include "runtime/experts/routing_source.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <vector>

namespace sluice::experts {
namespace {

/// SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// A generator for a part: its numbers are independent of the others'.
  Random split(uint64_t part) {
    return Random(Random(state ^ (part * 0xd1342543de82ef95)).next());
  }

private:
  uint64_t state;
};

class Synthetic final : public RoutingSource {
public:
  Synthetic(const RoutingShape &shape, const SyntheticRouting &how)
      : shape(shape), isUniform(how.skew == 0), repeat(how.repeat),
        root(Random(how.seed).next()), cumulative(shape.experts),
        ranked(size_t{shape.banks} * shape.experts), histories(shape.banks) {
    double total = 0;
    for (uint32_t rank = 0; rank < shape.experts; ++rank)
      cumulative[rank] = total += std::pow(rank + 1.0, -how.skew);
    const size_t ids = size_t{shape.maxRows} * shape.topK;
    for (uint32_t bank = 0; bank < shape.banks; ++bank) {
      int32_t *begin = ranked.data() + size_t{bank} * shape.experts;
      std::iota(begin, begin + shape.experts, 0);
      Random random = root.split(bank);
      for (uint32_t left = shape.experts; left > 1; --left)
        std::swap(begin[left - 1], begin[random.next() % left]);
      for (auto &step : histories[bank].ids)
        step.assign(ids, 0);
    }
  }

  void fill(uint64_t step, uint32_t bank, uint32_t rows, uint32_t topK,
            int32_t *ids) override {
    assert(topK == shape.topK && rows <= shape.maxRows && bank < shape.banks &&
           "not the shape that the source was made for");
    History &history = histories[bank];
    if (step == 0)
      history.rows[history.now ^ 1] = 0;
    else if (step != history.step)
      history.now ^= 1;
    history.step = step;
    history.rows[history.now] = rows;
    const uint32_t known = history.rows[history.now ^ 1];
    const int32_t *before = history.ids[history.now ^ 1].data();
    Random ofStep = root.split(shape.banks + step * shape.banks + bank);
    for (uint32_t row = 0; row < rows; ++row) {
      Random random = ofStep.split(row);
      int32_t *chosen = ids + size_t{row} * topK;
      uint32_t count = 0;
      if (row < known && repeat > 0)
        for (uint32_t i = 0; i < topK; ++i)
          if (random.uniform() < repeat)
            chosen[count++] = before[size_t{row} * topK + i];
      for (; count < topK; ++count)
        chosen[count] = draw(random, bank, {chosen, count});
    }
    std::copy_n(ids, size_t{rows} * topK, history.ids[history.now].data());
  }

private:
  /// What the latest two steps chose in a bank.
  struct History {
    uint64_t step = 0;
    uint32_t now = 0; ///< Which of the two is the step `step`.
    uint32_t rows[2] = {0, 0};
    std::vector<int32_t> ids[2]; ///< [maxRows, topK]
  };

  /// One expert that is not in `taken`, with its weight among those left.
  int32_t draw(Random &random, uint32_t bank, std::span<const int32_t> taken) {
    const int32_t *ids = ranked.data() + size_t{bank} * shape.experts;
    auto isTaken = [taken](int32_t id) {
      return std::find(taken.begin(), taken.end(), id) != taken.end();
    };
    constexpr int kTries = 8;
    for (int i = 0; i < kTries; ++i) {
      const double at = random.uniform() * cumulative.back();
      const size_t rank = std::min(rankAt(at), cumulative.size() - 1);
      if (!isTaken(ids[rank]))
        return ids[rank];
    }
    // The weights of those taken leave little: add up what is left.
    auto weight = [this](uint32_t rank) {
      return cumulative[rank] - (rank == 0 ? 0 : cumulative[rank - 1]);
    };
    double left = 0;
    for (uint32_t rank = 0; rank < shape.experts; ++rank)
      left += isTaken(ids[rank]) ? 0 : weight(rank);
    double at = random.uniform() * left;
    int32_t last = 0; // of those left, should rounding walk past the end
    for (uint32_t rank = 0; rank < shape.experts; ++rank) {
      if (isTaken(ids[rank]))
        continue;
      last = ids[rank];
      at -= weight(rank);
      if (at < 0)
        break;
    }
    return last;
  }

  /// The first rank whose weight and those in front of it are more than `at`.
  size_t rankAt(double at) const {
    // All weights are 1: many rows a step should not take long to make up.
    if (isUniform)
      return static_cast<size_t>(at);
    return static_cast<size_t>(
        std::upper_bound(cumulative.begin(), cumulative.end(), at) -
        cumulative.begin());
  }

  RoutingShape shape;
  bool isUniform;
  double repeat;
  Random root;
  std::vector<double> cumulative; ///< [experts], weights by rank added up.
  std::vector<int32_t> ranked;    ///< [banks, experts], ids by rank.
  std::vector<History> histories; ///< [banks]
};

} // namespace

std::unique_ptr<RoutingSource>
makeSyntheticRouting(const RoutingShape &shape, const SyntheticRouting &how) {
  return std::make_unique<Synthetic>(shape, how);
}

} // namespace sluice::experts
