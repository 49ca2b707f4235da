//===- plan_memory.cpp - Packs the workspace by lifetimes -----------------===//
//
// Buffers that are never live together share addresses. The largest buffers are
// placed first, each into the smallest gap between buffers it does live with.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/memory_table.h"
#include "compiler/analysis/stream_clocks.h"
#include "compiler/passes/Passes.h"
#include "runtime/plan/version.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "plan-memory"

namespace sluice {
#define GEN_PASS_DEF_PLANMEMORY
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 62;

struct Item {
  BufferOp buffer;
  const Lifetime *life;
  int64_t bytes; ///< Rounded up to the alignment.
  int64_t offset = 0;
};

/// Places the items; the bytes they take together, or -1 where those are more
/// than an arena can have.
int64_t place(MutableArrayRef<Item> items) {
  // A total order: no two lifetimes have the same number.
  llvm::sort(items, [](const Item &a, const Item &b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes
                              : a.life->first < b.life->first;
  });
  std::vector<const Item *> placed; // By offset.
  int64_t total = 0;
  for (Item &item : items) {
    int64_t best = -1, bestGap = INT64_MAX, end = 0;
    for (const Item *other : placed) {
      if (!liveTogether(*item.life, *other->life))
        continue;
      int64_t gap = other->offset - end;
      if (gap >= item.bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, other->offset + other->bytes);
    }
    item.offset = best >= 0 ? best : end;
    if (item.bytes > kMostBytes - item.offset)
      return -1;
    auto behind =
        llvm::upper_bound(placed, &item, [](const Item *a, const Item *b) {
          return a->offset < b->offset;
        });
    placed.insert(behind, &item);
    total = std::max(total, item.offset + item.bytes);
  }
  return total;
}

struct PlanMemory : impl::PlanMemoryBase<PlanMemory> {
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto lifetimes = computeLifetimes(module);
    for (auto arena : module.getOps<ArenaOp>()) {
      if (arena.getName() != "workspace")
        continue;
      std::vector<Item> items;
      for (auto &[op, life] : lifetimes) {
        auto buffer = cast<BufferOp>(op);
        if (buffer.getArenaOp() != arena)
          continue;
        if (buffer.getBytes() > kMostBytes) {
          buffer.emitError("has more than 2^62 bytes");
          return signalPassFailure();
        }
        items.push_back({buffer, &life,
                         static_cast<int64_t>(llvm::alignTo(
                             buffer.getBytes(), plan::kBufferAlignment))});
      }
      before += arena.getBytes();
      int64_t total = place(items);
      if (total < 0) {
        arena.emitError("its buffers take more than 2^62 bytes together");
        return signalPassFailure();
      }
      remark::passed(arena.getLoc(),
                     remark::RemarkOpts::name("packed").category(DEBUG_TYPE))
          << remark::metric("bytes_before", arena.getBytes())
          << remark::metric("bytes_after", total);
      for (Item &item : items)
        item.buffer.setOffset(item.offset);
      arena.setBytes(total);
      after += total;
    }
    updateMemoryTable(module);
  }
};

} // namespace
} // namespace sluice
