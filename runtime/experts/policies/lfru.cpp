//===- lfru.cpp - Frequency over age --------------------------------------===//
//
// An expert is worth (demands so far) / (1 + steps since the latest one): a
// frequent expert may rest for long, a rare one must be recent. What comes by
// prefetch counts as just used. Of equals the least recently used leaves.
//
//===----------------------------------------------------------------------===//

#include "runtime/experts/policies/policies.h"

#include <vector>

namespace sluice::experts {
namespace {

class Lfru final : public Policy {
public:
  explicit Lfru(const PolicyShape &shape)
      : uses(expertCount(shape), 0), step(uses.size(), 0),
        latest(uses.size(), 0) {}

  const char *name() const override { return "lfru"; }
  void onStep() override { ++now; }
  void onUse(uint32_t id, uint32_t) override {
    ++uses[id];
    touch(id);
  }
  void onArrive(uint32_t id) override { touch(id); }
  void onEvict(uint32_t) override {}
  uint32_t victim(std::span<const uint32_t> ownerOfSlot,
                  std::span<const uint8_t> evictable, uint32_t) override {
    return leastWorth(ownerOfSlot, evictable, [this](uint32_t a, uint32_t b) {
      // uses[a] / age(a) < uses[b] / age(b) in whole numbers.
      const uint64_t left = uses[a] * age(b), right = uses[b] * age(a);
      return left != right ? left < right : latest[a] < latest[b];
    });
  }

private:
  void touch(uint32_t id) {
    step[id] = now;
    latest[id] = ++clock;
  }
  uint64_t age(uint32_t id) const { return 1 + now - step[id]; }

  std::vector<uint64_t> uses;   ///< [experts]
  std::vector<uint64_t> step;   ///< [experts], of the latest use.
  std::vector<uint64_t> latest; ///< [experts], the clock at the latest use.
  uint64_t now = 0;             ///< Steps.
  uint64_t clock = 0;           ///< Uses and arrivals.
};

} // namespace

std::unique_ptr<Policy> makeLfru(const PolicyShape &shape) {
  return std::make_unique<Lfru>(shape);
}

} // namespace sluice::experts
