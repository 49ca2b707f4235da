//===- disk_homes.cpp - Which experts are left to the disk ----------------===//

#include "compiler/analysis/disk_homes.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace sluice {

DiskHomes chooseDiskHomes(const ModelShape &model,
                          const RoutingStatistics *routing,
                          const std::vector<std::vector<float>> &missed,
                          int64_t hostExperts) {
  const auto layers = static_cast<int64_t>(model.layers.size());
  const int64_t experts = model.layers.front().experts;
  struct One {
    float missed, popularity;
    int64_t layer, expert;
  };
  std::vector<One> all;
  all.reserve(static_cast<size_t>(layers * experts));
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto at = static_cast<size_t>(layer);
    const LayerShape &shape = model.layers[at];
    assert(shape.experts == experts && "layers have equally many experts");
    const LayerRouting *recorded = findRouting(routing, shape);
    for (int64_t expert = 0; expert < experts; ++expert) {
      const auto of = static_cast<size_t>(expert);
      all.push_back({missed.empty() ? 0 : missed[at][of],
                     recorded ? recorded->popularity[of] : 0, layer, expert});
    }
  }
  std::ranges::sort(all, {}, [](const One &one) {
    return std::tuple(-one.missed, -one.popularity, one.expert, one.layer);
  });
  DiskHomes homes;
  homes.onDisk.resize(all.size());
  for (size_t i = 0; i < all.size(); ++i)
    homes.onDisk[static_cast<size_t>(all[i].layer * experts + all[i].expert)] =
        static_cast<int64_t>(i) >= hostExperts;
  return homes;
}

double diskMissCost(const LayerShape &layer, const Hardware &hardware) {
  const auto bytes = static_cast<double>(layer.expertBytes);
  const double copy = hardware.hostToDeviceUs(bytes);
  const double read = bytes / (hardware.diskRead.value * 1e3);
  return (read + copy) / copy;
}

} // namespace sluice
