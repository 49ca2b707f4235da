//===- lfu.cpp - The least frequently used leaves -------------------------===//
//
// Demands are counted since the start, also those of experts without a slot;
// of equals the least recently used leaves.
//
//===----------------------------------------------------------------------===//

#include "runtime/experts/policies/policies.h"

#include <tuple>
#include <vector>

namespace sluice::experts {
namespace {

class Lfu final : public Policy {
public:
  explicit Lfu(const PolicyShape &shape)
      : uses(expertCount(shape), 0), latest(uses.size(), 0) {}

  const char *name() const override { return "lfu"; }
  void onStep() override {}
  void onUse(uint32_t id, uint32_t) override {
    ++uses[id];
    latest[id] = ++clock;
  }
  void onArrive(uint32_t) override {}
  void onEvict(uint32_t) override {}
  uint32_t victim(std::span<const uint32_t> ownerOfSlot,
                  std::span<const uint8_t> evictable, uint32_t) override {
    return leastWorth(ownerOfSlot, evictable, [this](uint32_t a, uint32_t b) {
      return std::tie(uses[a], latest[a]) < std::tie(uses[b], latest[b]);
    });
  }

private:
  std::vector<uint64_t> uses;   ///< [experts]
  std::vector<uint64_t> latest; ///< [experts], the clock at the latest use.
  uint64_t clock = 0;           ///< Uses.
};

} // namespace

std::unique_ptr<Policy> makeLfu(const PolicyShape &shape) {
  return std::make_unique<Lfu>(shape);
}

} // namespace sluice::experts
