//===- placement.cpp - Where the experts of a plan are --------------------===//

#include "tools/sluice-compile/placement.h"

#include "dialects/plan/PlanIr.h"

#include <cinttypes>
#include <cstdio>

namespace sluice::tools {
namespace {

struct Placement {
  int64_t experts = 0, slots = 0;
  int64_t onDisk = 0; ///< The others live in host memory.
  int64_t ringPlaces = 0;
};

Placement readPlacement(mlir::ModuleOp plan) {
  Placement placement;
  for (auto pool : plan.getOps<planir::ExpertPoolOp>()) {
    placement.slots += pool.getSlots();
    if (mlir::Value ring = pool.getBounce())
      placement.ringPlaces +=
          ring.getDefiningOp<planir::BufferOp>().getBytes() /
          pool.getSlotBytes();
  }
  for (auto bank : plan.getOps<planir::ExpertBankOp>()) {
    placement.experts += bank.getExperts();
    // Without place-experts nothing is said: everything is in host memory.
    if (auto homes = bank.getHomesAttr())
      for (int8_t home : homes.asArrayRef())
        placement.onDisk += home != 0;
  }
  return placement;
}

} // namespace

std::string describePlacement(mlir::ModuleOp plan) {
  const Placement found = readPlacement(plan);
  auto percent = [&](int64_t part) {
    return 100.0 * static_cast<double>(part) /
           static_cast<double>(found.experts);
  };
  const int64_t inHost = found.experts - found.onDisk;
  char text[320];
  std::snprintf(text, sizeof text,
                "%-24s %" PRId64 " in %" PRId64 " slots of the GPU (%.1f%%)\n"
                "%-24s %" PRId64 " in host memory (%.1f%%), %" PRId64
                " on disk",
                "experts", found.experts, found.slots, percent(found.slots),
                "homes of experts", inHost, percent(inHost), found.onDisk);
  std::string lines = text;
  if (found.ringPlaces > 0)
    lines += ", which come through a ring of " +
             std::to_string(found.ringPlaces) + " places";
  return lines + "\n";
}

} // namespace sluice::tools
