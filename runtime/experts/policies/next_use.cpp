//===- next_use.cpp - Whose next use is expected last leaves --------------===//
//
// A model visits its layers in a circle, so an expert can be used again no
// earlier than its layer comes round: `distance` visits from now, 0 for the
// next layer and L-1 for the one just left. If each visit then uses it with
// probability p, independently, it waits through (1/p - 1) more rounds of L
// visits on average. Expected time to the next use, in layer visits:
//
//   distance + L * (1/p - 1)
//
// The largest leaves, each over what its miss costs: what a slot saves is the
// cost of a miss each time that long. With every expert used at every step (p =
// 1) distance alone decides, as Belady's optimum would; with few rows the
// second term does, and it is frequency with recency: p is the middle of two
// exponential means over the visits of the expert's layer, one that remembers a
// few visits (text repeats itself) and one that remembers some thirty.
//
//===----------------------------------------------------------------------===//

#include "runtime/experts/policies/policies.h"

#include <algorithm>
#include <vector>

namespace sluice::experts {
namespace {

/// Share of the past that the means keep at a visit. Chosen on the recording of
/// tests/bench/README.md, where 0.6 to 0.85 with 0.97 to 0.99 differ by less
/// than two points.
constexpr float kKeepRecent = 0.7f, kKeepLong = 0.97f;
/// p of an expert of which nothing is known.
constexpr float kUnknown = 1.0f / 16;
/// p is taken as at least this much.
constexpr float kRarest = 1e-4f;

class NextUse final : public Policy {
public:
  explicit NextUse(const PolicyShape &shape)
      : recent(expertCount(shape), kUnknown), steady(recent),
        wait(recent.size(), 0), bankOf(recent.size()), usedAt(recent.size(), 0),
        first(shape.bankExperts.size() + 1, 0),
        visitedAt(shape.bankExperts.size(), 0),
        distance(shape.bankExperts.size(), 0), ease(recent.size(), 1) {
    for (size_t bank = 0; bank < shape.bankExperts.size(); ++bank) {
      first[bank + 1] = first[bank] + shape.bankExperts[bank];
      for (uint32_t id = first[bank]; id < first[bank + 1]; ++id)
        bankOf[id] = static_cast<uint32_t>(bank);
    }
    for (size_t id = 0; id < shape.popularity.size(); ++id)
      recent[id] = steady[id] = shape.popularity[id];
    for (size_t id = 0; id < shape.missCost.size(); ++id)
      ease[id] = 1 / shape.missCost[id];
    for (uint32_t id = 0; id < recent.size(); ++id)
      updateWait(id);
  }

  const char *name() const override { return "next_use"; }
  void onStep() override { ++now; }
  void onUse(uint32_t id, uint32_t) override {
    visit(bankOf[id]);
    if (usedAt[id] == now) // another part of the same step
      return;
    usedAt[id] = now;
    recent[id] += 1 - kKeepRecent;
    steady[id] += 1 - kKeepLong;
    updateWait(id);
  }
  void onArrive(uint32_t id) override {
    // Brought ahead: it is wanted at its layer's next visit, which then says
    // what it is worth. Until then another guess must not push it out.
    if (usedAt[id] != now)
      wait[id] = 0;
  }
  void onEvict(uint32_t) override {}
  uint32_t victim(std::span<const uint32_t> ownerOfSlot,
                  std::span<const uint8_t> evictable,
                  uint32_t currentBank) override {
    const auto banks = static_cast<uint32_t>(distance.size());
    for (uint32_t ahead = 0, bank = currentBank; ahead < banks; ++ahead) {
      bank = bank + 1 == banks ? 0 : bank + 1;
      distance[bank] = static_cast<float>(ahead);
    }
    uint32_t worst = kNone;
    float longest = -1;
    for (uint32_t slot = 0; slot < ownerOfSlot.size(); ++slot) {
      if (evictable[slot] == 0)
        continue;
      const uint32_t id = ownerOfSlot[slot];
      const float time = (wait[id] + distance[bankOf[id]]) * ease[id];
      if (time > longest) {
        longest = time;
        worst = slot;
      }
    }
    return worst;
  }

private:
  /// The first use of a bank in a step is a visit of all its experts.
  void visit(uint32_t bank) {
    if (visitedAt[bank] == now)
      return;
    visitedAt[bank] = now;
    for (uint32_t id = first[bank]; id < first[bank + 1]; ++id) {
      recent[id] *= kKeepRecent;
      steady[id] *= kKeepLong;
      updateWait(id);
    }
  }
  void updateWait(uint32_t id) {
    const float p = std::clamp((recent[id] + steady[id]) / 2, kRarest, 1.0f);
    wait[id] = static_cast<float>(distance.size()) * (1 / p - 1);
  }

  std::vector<float> recent;       ///< [experts], mean of the last visits.
  std::vector<float> steady;       ///< [experts], mean of many visits.
  std::vector<float> wait;         ///< [experts], L * (1/p - 1).
  std::vector<uint32_t> bankOf;    ///< [experts]
  std::vector<uint64_t> usedAt;    ///< [experts], step of the latest use.
  std::vector<uint32_t> first;     ///< [banks + 1], first id of each.
  std::vector<uint64_t> visitedAt; ///< [banks], step of the latest visit.
  std::vector<float> distance;     ///< [banks], scratch of victim().
  std::vector<float> ease;         ///< [experts], 1 / cost of a miss.
  uint64_t now = 1;                ///< Steps; 1 before the first.
};

} // namespace

std::unique_ptr<Policy> makeNextUse(const PolicyShape &shape) {
  return std::make_unique<NextUse>(shape);
}

} // namespace sluice::experts
