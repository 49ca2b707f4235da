//===- plan_builder_experts.cpp - Declares where experts live -------------===//

#include "compiler/analysis/memory_table.h"
#include "compiler/passes/plan_builder.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

int64_t elementBytes(Type type) { return type.getIntOrFloatBitWidth() / 8; }

/// Appends a range, or, unless it shall stand apart, lengthens the last one
/// where it goes on there.
void appendRange(SmallVectorImpl<int64_t> &ranges, int64_t file, int64_t source,
                 int64_t target, int64_t bytes, bool apart) {
  if (!ranges.empty() && !apart) {
    MutableArrayRef<int64_t> last =
        MutableArrayRef<int64_t>(ranges).take_back(4);
    if (last[0] == file && last[1] + last[3] == source &&
        last[2] + last[3] == target) {
      last[3] += bytes;
      return;
    }
  }
  ranges.append({file, source, target, bytes});
}

} // namespace

Value PlanBuilder::expertSource(llm::ExpertBankOp bank, int64_t slotBytes,
                                int64_t first, bool apart) {
  SmallVector<Value> bankFiles;
  for (auto fileName : bank.getFiles().getAsRange<FlatSymbolRefAttr>())
    bankFiles.push_back(file(fileName));
  expert::SlotLayout layout = expert::slotLayout(bank);
  int64_t parts[3] = {layout.gate, layout.up, layout.down};
  SmallVector<int64_t> ranges;
  for (int64_t matrix = 0, count = 3 * int64_t(bank.getExperts());
       matrix < count; ++matrix)
    appendRange(ranges, bank.getFileOf()[matrix], bank.getOffsets()[matrix],
                (first + matrix / 3) * slotBytes + parts[matrix % 3],
                bank.getMatrixBytes(), apart && matrix % 3 == 0);
  return SourceOp::create(declarations, bank.getLoc(),
                          SourceType::get(context()), bank.getTensor(),
                          bankFiles, ranges);
}

//===----------------------------------------------------------------------===//
// Experts that stay
//===----------------------------------------------------------------------===//

void PlanBuilder::pin(expert::PinOp pin) {
  FlatSymbolRefAttr name = pin.getSlots().getType().getBank();
  auto bank = lookup<llm::ExpertBankOp>(name);
  FlatSymbolRefAttr poolName = pin.getFetch().getPoolAttr();
  auto pool = lookup<expert::PoolOp>(poolName);
  Location loc = bank.getLoc();
  int64_t slotBytes = pool.getSlotBytes(), first = pin.getFirst();
  int64_t experts = bank.getExperts();
  Value &slots = pools[poolName];
  if (!slots)
    slots = buffer(ArenaId::Experts, poolName.getValue(),
                   slotBytes * pool.getSlots(), pool.getDtype(), pool.getLoc());

  Value source = expertSource(bank, slotBytes, first, /*apart=*/false);
  fetch(source, slots, loc);

  Value table = buffer(ArenaId::Tables, name.getValue() + ".slots", 4 * experts,
                       IntegerType::get(context(), 32), loc);
  if (first > INT32_MAX - experts) {
    pin.emitError() << "at slot " << first << ", more than a plan can number";
    tooLarge = true;
  }
  SmallVector<int32_t> slotOf(experts);
  for (int64_t expert = 0; expert < experts; ++expert)
    slotOf[expert] = static_cast<int32_t>(first + expert);
  ConstantOp::create(declarations, loc, table, slotOf);
  pinned[name] = {slots, table, static_cast<int64_t>(pool.getSlots()),
                  slotBytes / elementBytes(pool.getDtype())};
}

//===----------------------------------------------------------------------===//
// Experts that move
//===----------------------------------------------------------------------===//

Value PlanBuilder::pool(FlatSymbolRefAttr name) {
  Value &value = movingPools[name];
  if (value)
    return value;
  auto pool = lookup<expert::PoolOp>(name);
  Location loc = pool.getLoc();
  int64_t slotBytes = pool.getSlotBytes();
  Value slots = buffer(
      ArenaId::Experts, name.getValue(),
      saturatingBytes({slotBytes, static_cast<int64_t>(pool.getSlots())}),
      pool.getDtype(), loc);
  // Its size is known once all banks are.
  Value images = buffer(ArenaId::Images, name.getValue() + ".images", slotBytes,
                        pool.getDtype(), loc);
  value = ExpertPoolOp::create(declarations, loc, PoolType::get(context()),
                               name.getValue().str(), slots, pool.getSlots(),
                               slotBytes, /*wave_bytes=*/slotBytes, images,
                               Value(), FloatAttr());
  return value;
}

Value PlanBuilder::bank(FlatSymbolRefAttr name, FlatSymbolRefAttr poolName,
                        int64_t topK) {
  if (Value known = banks.lookup(name))
    return known;
  auto bank = lookup<llm::ExpertBankOp>(name);
  Value slots = pool(poolName);
  int64_t slotBytes = slots.getDefiningOp<ExpertPoolOp>().getSlotBytes();
  int64_t experts = bank.getExperts(), size = elementBytes(bank.getDtype());
  expert::SlotLayout layout = expert::slotLayout(bank);
  OpBuilder builder(context());
  DenseF32ArrayAttr popularity, missed;
  DenseI32ArrayAttr successors;
  int64_t successorCount = 0;
  if (expert::StatisticsOp known = statistics.lookup(name)) {
    popularity = known.getPopularityAttr();
    missed = known.getMissedAttr();
    if (!known.getSuccessors().empty()) {
      successors = builder.getDenseI32ArrayAttr(known.getSuccessors());
      successorCount = known.getSuccessorCount();
    }
  }
  SmallVector<int8_t> homes(experts, 0);
  Value source = expertSource(bank, slotBytes, 0, /*apart=*/true);
  return banks[name] = ExpertBankOp::create(
             declarations, bank.getLoc(), BankType::get(context()),
             name.getValue().str(), static_cast<int64_t>(bank.getLayer()),
             slots, source, experts, topK,
             static_cast<int64_t>(bank.getHidden()),
             static_cast<int64_t>(bank.getInner()),
             builder.getDenseI64ArrayAttr(
                 {layout.gate / size, layout.up / size, layout.down / size}),
             builder.getDenseI8ArrayAttr(homes),
             builder.getDenseI32ArrayAttr({}), popularity, successors,
             successorCount, missed);
}

LogicalResult PlanBuilder::finishPools() {
  llvm::DenseMap<Value, int64_t> experts;
  for (auto bank : module.getOps<ExpertBankOp>())
    experts[bank.getPool()] += bank.getExperts();
  for (auto pool : module.getOps<ExpertPoolOp>()) {
    int64_t bytes =
        saturatingBytes({experts.lookup(pool.getPool()), pool.getSlotBytes()});
    if (bytes >= kTooManyBytes)
      return pool.emitOpError("has images of more than 2^60 bytes");
    pool.getHost().getDefiningOp<BufferOp>().setBytes(bytes);
  }
  ArenaOp arena = arenas[static_cast<int>(ArenaId::Images)];
  if (!packArena(module, arena))
    return arena.emitOpError("has more than 2^62 bytes");
  return success();
}

} // namespace sluice
