//===- lru.cpp - The least recently used leaves ---------------------------===//
//
// What comes by prefetch counts as used when it comes. A scan over more experts
// than there are slots gets no hits at all: this policy is here to compare
// with.
//
//===----------------------------------------------------------------------===//

#include "runtime/experts/policies/policies.h"

#include <vector>

namespace sluice::experts {
namespace {

class Lru final : public Policy {
public:
  explicit Lru(const PolicyShape &shape) : latest(expertCount(shape), 0) {}

  const char *name() const override { return "lru"; }
  void onStep() override {}
  void onUse(uint32_t id, uint32_t) override { latest[id] = ++clock; }
  void onArrive(uint32_t id) override { latest[id] = ++clock; }
  void onEvict(uint32_t) override {}
  uint32_t victim(std::span<const uint32_t> ownerOfSlot,
                  std::span<const uint8_t> evictable, uint32_t) override {
    return leastWorth(ownerOfSlot, evictable, [this](uint32_t a, uint32_t b) {
      return latest[a] < latest[b];
    });
  }

private:
  std::vector<uint64_t> latest; ///< [experts], the clock at the latest use.
  uint64_t clock = 0;           ///< Uses and arrivals.
};

} // namespace

std::unique_ptr<Policy> makeLru(const PolicyShape &shape) {
  return std::make_unique<Lru>(shape);
}

} // namespace sluice::experts
