//===- place_experts.cpp - Slots, host memory or disk ---------------------===//
//
// Fills both budgets: what the GPU has left becomes slots, what the host has
// left becomes images of experts. In host memory should be what will be missing
// most; in slots at first what would cost most if it was missing: by
// popularity, and many times as much where it must come from the disk. Runs
// behind plan-memory, because only then it is known what is left.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/host_room.h"
#include "compiler/analysis/memory_table.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

#define DEBUG_TYPE "place-experts"

namespace sluice {
#define GEN_PASS_DEF_PLACEEXPERTS
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

/// One expert of a pool.
struct Expert {
  ExpertBankOp bank;
  int32_t expert = 0;
  float popularity = 0;
  float missed = 0; ///< How often a step misses it.
  float missCost = 1;
  size_t order; ///< Where it stands when all are as likely.
};

struct Pool {
  ExpertPoolOp op;
  SmallVector<ExpertBankOp> banks;
  /// All experts, in turn over the layers.
  std::vector<Expert> experts;
  bool knowsMissed = true;      ///< Of all its banks.
  bool knowsPopularity = false; ///< Of one at least.
  int64_t onHost = 0;           ///< How many of them live in host memory.
};

struct PlaceExperts : impl::PlaceExpertsBase<PlaceExperts> {
  using PlaceExpertsBase::PlaceExpertsBase;

  void runOnOperation() override;

private:
  std::vector<Pool> collect();
  /// What is left of a budget beside the arenas that this pass sizes.
  int64_t left(Memory memory, int64_t budget);
  void giveSlots(MutableArrayRef<Pool> pools);
  void giveImages(MutableArrayRef<Pool> pools);
  void place(Pool &pool);
  /// The arena of that name; made where there is none.
  ArenaOp arena(StringRef name, Memory memory);

  int64_t slotCount = 0, residentCount = 0, hostCount = 0, diskCount = 0;
};

bool isManaged(ArenaOp arena) {
  return arena.getName() == "experts" || arena.getName() == "images" ||
         arena.getName() == "ring";
}

std::vector<Pool> PlaceExperts::collect() {
  std::vector<Pool> pools;
  for (auto op : getOperation().getOps<ExpertPoolOp>())
    pools.emplace_back().op = op;
  for (auto bank : getOperation().getOps<ExpertBankOp>())
    for (Pool &pool : pools)
      if (pool.op == bank.getPoolOp())
        pool.banks.push_back(bank);
  auto at = [](DenseF32ArrayAttr values, int64_t expert) {
    return values ? values.asArrayRef()[expert] : 0.0f;
  };
  for (Pool &pool : pools) {
    int64_t widest = 0;
    for (ExpertBankOp bank : pool.banks) {
      widest = std::max(widest, bank.getExperts());
      pool.knowsMissed &= bool(bank.getMissedAttr());
      pool.knowsPopularity |= bool(bank.getPopularityAttr());
    }
    for (int64_t expert = 0; expert < widest; ++expert)
      for (ExpertBankOp bank : pool.banks)
        if (expert < bank.getExperts())
          pool.experts.push_back({bank, static_cast<int32_t>(expert),
                                  at(bank.getPopularityAttr(), expert),
                                  at(bank.getMissedAttr(), expert), 1,
                                  pool.experts.size()});
  }
  return pools;
}

int64_t PlaceExperts::left(Memory memory, int64_t budget) {
  int64_t taken = memory == Memory::Device ? kMarginBytes : 0;
  for (auto arena : getOperation().getOps<ArenaOp>())
    if (arena.getMemory() == memory && !isManaged(arena))
      taken += arena.getBytes();
  return std::max<int64_t>(0, budget - taken);
}

/// Divides `units` over `wanted`, each at least `least`, in proportion.
int64_t shareOf(int64_t wanted, int64_t least, double share) {
  return least + std::max<int64_t>(
                     0, static_cast<int64_t>(share * double(wanted - least)));
}

void PlaceExperts::giveSlots(MutableArrayRef<Pool> pools) {
  int64_t budget = left(Memory::Device, gpuBudget), least = 0, most = 0;
  for (Pool &pool : pools) {
    least += expert::kMinimumSlots * pool.op.getSlotBytes();
    most += static_cast<int64_t>(pool.experts.size()) * pool.op.getSlotBytes();
  }
  double share = budget >= most ? 1.0
                 : most > least ? double(budget - least) / double(most - least)
                                : 0.0;
  for (Pool &pool : pools) {
    auto all = static_cast<int64_t>(pool.experts.size());
    int64_t slots = std::max(expert::kMinimumSlots, all);
    // Whole slots: no fraction of a double stands between a budget and its
    // last slot.
    if (budget < most)
      slots = pools.size() == 1
                  ? std::clamp(budget / pool.op.getSlotBytes(),
                               expert::kMinimumSlots, slots)
                  : std::clamp(shareOf(all, expert::kMinimumSlots, share),
                               expert::kMinimumSlots, slots);
    pool.op.setSlots(slots);
    pool.op.getBuffer().getDefiningOp<BufferOp>().setBytes(
        slots * pool.op.getSlotBytes());
    slotCount += slots;
  }
}

void PlaceExperts::giveImages(MutableArrayRef<Pool> pools) {
  int64_t budget = left(Memory::Host, hostBudget), most = 0;
  for (Pool &pool : pools)
    most += static_cast<int64_t>(pool.experts.size()) * pool.op.getSlotBytes();
  for (Pool &pool : pools) {
    auto all = static_cast<int64_t>(pool.experts.size());
    int64_t slotBytes = pool.op.getSlotBytes();
    pool.onHost = all;
    if (budget >= most)
      continue;
    // The pool's part of the budget, of which the ring comes first.
    auto part = static_cast<int64_t>(double(budget) *
                                     (double(all * slotBytes) / double(most)));
    const HostRoom room = divideHostRoom(
        (pools.size() == 1 ? budget : part) / slotBytes, all, ring);
    pool.onHost = room.experts;
    OpBuilder builder(pool.op);
    ArenaOp target = arena("ring", Memory::Host);
    auto slots = pool.op.getBuffer().getDefiningOp<BufferOp>();
    const int64_t bytes = room.ringPlaces * slotBytes;
    target.setBytes(target.getBytes() + bytes);
    auto bounce =
        BufferOp::create(builder, pool.op.getLoc(), slots.getType(),
                         (pool.op.getName() + ".ring").str(), target,
                         target.getBytes() - bytes, bytes, slots.getDtype());
    pool.op.getBounceMutable().assign(bounce);
  }
}

void PlaceExperts::place(Pool &pool) {
  llvm::DenseMap<Operation *, SmallVector<int8_t>> homes;
  llvm::DenseMap<Operation *, SmallVector<int32_t>> filled;
  for (ExpertBankOp bank : pool.banks)
    homes[bank].assign(bank.getExperts(), 0);
  auto all = static_cast<int64_t>(pool.experts.size());
  // Who lives in host memory: what is missed most, of what is missed as often
  // the most popular.
  llvm::sort(pool.experts, [&](const Expert &a, const Expert &b) {
    if (pool.knowsMissed && a.missed != b.missed)
      return a.missed > b.missed;
    return a.popularity != b.popularity ? a.popularity > b.popularity
                                        : a.order < b.order;
  });
  for (int64_t i = pool.onHost; i < all; ++i) {
    homes[pool.experts[i].bank][pool.experts[i].expert] = 1;
    pool.experts[i].missCost = static_cast<float>(diskCost);
  }
  // Who begins in a slot, where it saves the cost of a miss at each use.
  auto saves = [&](const Expert &one) {
    return (pool.knowsPopularity ? one.popularity : 1) * one.missCost;
  };
  llvm::sort(pool.experts, [&](const Expert &a, const Expert &b) {
    const float left = saves(a), right = saves(b);
    return left != right ? left > right : a.order < b.order;
  });
  int64_t count = empty ? 0 : std::min<int64_t>(pool.op.getSlots(), all);
  for (int64_t i = 0; i < count; ++i)
    filled[pool.experts[i].bank].push_back(pool.experts[i].expert);
  Builder builder(&getContext());
  if (pool.onHost < all && diskCost > 1)
    pool.op.setDiskCostAttr(
        builder.getF32FloatAttr(static_cast<float>(diskCost)));
  for (ExpertBankOp bank : pool.banks) {
    bank.setHomesAttr(builder.getDenseI8ArrayAttr(homes[bank]));
    bank.setResidentAttr(builder.getDenseI32ArrayAttr(filled[bank]));
  }
  Value images = pool.op.getHost();
  if (images && pool.onHost == 0) {
    pool.op.getHostMutable().clear();
    images.getDefiningOp()->erase();
  } else if (images) {
    images.getDefiningOp<BufferOp>().setBytes(pool.onHost *
                                              pool.op.getSlotBytes());
  }
  pool.op.setWaveBytes(wave);
  residentCount += count;
  hostCount += pool.onHost;
  diskCount += all - pool.onHost;
}

ArenaOp PlaceExperts::arena(StringRef name, Memory memory) {
  ArenaOp last;
  for (auto arena : getOperation().getOps<ArenaOp>()) {
    if (arena.getName() == name)
      return arena;
    last = arena;
  }
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfter(last);
  return ArenaOp::create(builder, last.getLoc(), ArenaType::get(&getContext()),
                         name.str(), memory, 0);
}

void PlaceExperts::runOnOperation() {
  ModuleOp module = getOperation();
  if (gpuBudget < 0 || hostBudget < 0 || wave < 0 || !(diskCost >= 1) ||
      !std::isfinite(static_cast<float>(diskCost))) {
    module.emitError("budgets and waves have at least 0 bytes, and a miss from "
                     "the disk costs at least 1, and not infinitely much");
    return signalPassFailure();
  }
  std::vector<Pool> pools = collect();
  if (pools.empty())
    return;
  giveSlots(pools);
  giveImages(pools);
  for (Pool &pool : pools)
    place(pool);
  // What was foreseen with an estimate of the slots stays within half of them.
  module.walk([](planir::PrefetchOp op) {
    auto bank = op.getBank().getDefiningOp<ExpertBankOp>();
    auto pool = bank.getPool().getDefiningOp<ExpertPoolOp>();
    op.setLimit(std::min<int64_t>(op.getLimit(),
                                  std::max<int64_t>(1, pool.getSlots() / 2)));
  });
  for (auto arena : llvm::make_early_inc_range(module.getOps<ArenaOp>())) {
    if (!isManaged(arena))
      continue;
    if (arena->use_empty()) {
      arena.erase();
    } else if (!packArena(module, arena)) {
      arena.emitError("its buffers take more than 2^62 bytes together");
      return signalPassFailure();
    }
  }
  updateMemoryTable(module);
  remark::passed(module.getLoc(),
                 remark::RemarkOpts::name("placed").category(DEBUG_TYPE))
      << remark::metric("slots", slotCount)
      << remark::metric("resident", residentCount)
      << remark::metric("host", hostCount) << remark::metric("disk", diskCount);
  slots += slotCount;
  resident += residentCount;
  onHost += hostCount;
  onDisk += diskCount;
}

} // namespace
} // namespace sluice
