//===- entry_lowering_experts.cpp - Experts as launches and moves ---------===//
//
// Experts that stay are three launches on pinned slots. Experts that move are
// the plan's own instructions, which the runtime fills in.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/entry_lowering.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

int64_t features(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}
Type element(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// The pool that a set's experts are fetched into; null where they stay.
FlatSymbolRefAttr poolOf(Value set) {
  for (Operation *user : set.getUsers()) {
    if (auto fetch = dyn_cast<expert::FetchOp>(user))
      return fetch.getPoolAttr();
    if (auto split = dyn_cast<expert::SplitOp>(user))
      return poolOf(split.getFetched());
  }
  return {};
}

/// What the CPU runs of a demanded set; null where that is nothing.
expert::RunHostOp runHostOf(expert::DemandOp demand) {
  for (Operation *user : demand.getSet().getUsers())
    if (auto split = dyn_cast<expert::SplitOp>(user))
      for (Operation *host : split.getHost().getUsers())
        if (auto run = dyn_cast<expert::RunHostOp>(host))
          return run;
  return {};
}

int64_t partOf(Value value) {
  expert::DemandOp demand = expert::demandOf(value);
  return demand ? demand.getPart() : 0;
}

} // namespace

bool EntryLowering::tensorExperts(llm::ExpertBankOp bank, Type activation,
                                  Rows rows) {
  // Decode stays portable whatever the batch: then a CPU may take any expert.
  return isPrefill() && wide(rows) && activation.isBF16() &&
         bank.getDtype().isBF16() && bank.getHidden() % 8 == 0 &&
         bank.getInner() % 8 == 0;
}

LogicalResult EntryLowering::checkExperts(Operation *op) {
  Value set;
  if (auto fetch = dyn_cast<expert::FetchOp>(op))
    set = fetch.getSet();
  else if (auto run = dyn_cast<expert::RunOp>(op))
    set = run.getSet();
  else if (auto split = dyn_cast<expert::SplitOp>(op))
    set = split.getSet();
  if (!set)
    return success();
  expert::DemandOp demand = expert::demandOf(set);
  bool moves = demand && poolOf(demand.getSet());
  auto run = dyn_cast<expert::RunOp>(op);
  if (run && run.getSlots().getDefiningOp<expert::ResidentOp>()) {
    if (demand && !moves)
      return success();
    return op->emitError("runs experts that move in resident slots");
  }
  if (moves)
    return success();
  return op->emitError("acts on experts that no expert.demand of the entry "
                       "point asked for");
}

//===----------------------------------------------------------------------===//
// Experts that stay
//===----------------------------------------------------------------------===//

void EntryLowering::lower(expert::DemandOp op) {
  if (FlatSymbolRefAttr pool = poolOf(op.getSet()))
    return lowerMoving(op, pool);
  Tensor ids = tensor(op.getIds());
  auto bank = plan.lookup<llm::ExpertBankOp>(expert::bankOf(op.getSet()));
  int64_t experts = bank.getExperts(), topK = features(op.getIds());
  Type i32 = builder.getI32Type();
  Value offsets =
      workspace(place() + ".offsets", experts + 1, i32, Rows::Fixed);
  Value order = workspace(place() + ".order", topK, i32, ids.rows);
  demands[op.getSet()] = {offsets, order};
  launch("expert_demand", {ids.buffer, offsets, order}, {experts, topK},
         ids.rows);
}

void EntryLowering::lower(expert::RunOp op) {
  if (op.getSlots().getDefiningOp<expert::AwaitOp>())
    return lowerMoving(op);
  Tensor in = tensor(op.getIn());
  FlatSymbolRefAttr name = expert::bankOf(op.getSet());
  auto bank = plan.lookup<llm::ExpertBankOp>(name);
  PlanBuilder::Experts where = plan.experts(name);
  Demand demand = demands.lookup(op.getSet());
  expert::DemandOp chosen = expert::demandOf(op.getSet());
  int64_t experts = bank.getExperts(), topK = features(chosen.getIds());
  int64_t hidden = bank.getHidden(), inner = bank.getInner();
  expert::SlotLayout layout = expert::slotLayout(bank);
  int64_t size = bank.getDtype().getIntOrFloatBitWidth() / 8;
  bool tensorCores = tensorExperts(bank, element(op.getIn()), in.rows);
  Type f32 = builder.getF32Type();
  Value mixed = workspace(place() + ".inner", saturatingBytes({topK, inner}),
                          f32, in.rows);
  launch(
      "expert_gate_up",
      {in.buffer, demand.offsets, demand.order, where.table, where.pool, mixed},
      {experts, topK, hidden, inner, where.slots, where.slotElements,
       layout.gate / size, layout.up / size},
      in.rows, {}, tensorCores);
  Value outputs = workspace(place() + ".outputs",
                            saturatingBytes({topK, hidden}), f32, in.rows);
  launch(
      "expert_down",
      {mixed, demand.offsets, demand.order, where.table, where.pool, outputs},
      {experts, topK, hidden, inner, where.slots, where.slotElements,
       layout.down / size},
      in.rows, {}, tensorCores);
  tensors[op.getOutputs()] = {outputs, in.rows};
}

void EntryLowering::lower(expert::CombineOp op) {
  Value outputs = tensor(op.getOutputs().front()).buffer;
  const Rows rows = tensor(op.getWeights()).rows;
  const int64_t topK = features(op.getWeights());
  const int64_t hidden = features(op.getOut());
  Value staged, shares;
  for (Value part : op.getOutputs())
    if (auto host = part.getDefiningOp<expert::RunHostOp>()) {
      if (!staged) {
        staged = workspace(place() + ".staged", saturatingBytes({topK, hidden}),
                           builder.getF32Type(), rows);
        shares =
            workspace(place() + ".shares", topK, builder.getI32Type(), rows);
      }
      join(host, staged, shares);
    }
  Value out = result(op.getOut(), rows);
  launch("expert_combine",
         {outputs, tensor(op.getWeights()).buffer, out, staged, shares},
         {topK, hidden, staged ? 1 : 0}, rows);
}

//===----------------------------------------------------------------------===//
// Experts that move
//===----------------------------------------------------------------------===//

Value EntryLowering::shared(const Twine &name, int64_t elements, Type dtype,
                            Rows rows) {
  std::string full = (function.getSymName() + "." + name).str();
  int64_t bytes = saturatingBytes(
      {elements, dtype.getIntOrFloatBitWidth() / 8, entry.getLimit(rows)});
  // Layers of other sizes have buffers of their own.
  std::string key = full + " " + std::to_string(bytes);
  Value &value = sharedBuffers[key];
  if (!value)
    value = plan.buffer(ArenaId::Io, full, bytes, dtype, loc);
  return value;
}

void EntryLowering::lowerMoving(expert::DemandOp op, FlatSymbolRefAttr pool) {
  Tensor ids = tensor(op.getIds());
  int64_t topK = features(op.getIds());
  Value bank = plan.bank(expert::bankOf(op.getSet()), pool, topK);
  Value &known = idsOnHost[op.getIds()];
  if (!known) {
    known = shared("expert_ids.host", topK, builder.getI32Type(), ids.rows);
    CopyOp::create(builder, loc, ids.buffer, known, ids.rows,
                   saturatingBytes({4, topK}), /*recording=*/false,
                   Stream::Compute);
    // What the CPU reads comes along.
    if (expert::RunHostOp host = runHostOf(op)) {
      Tensor in = tensor(host.getIn());
      Type type = element(host.getIn());
      Value rows =
          shared("expert_rows.host", features(host.getIn()), type, in.rows);
      CopyOp::create(builder, loc, in.buffer, rows, in.rows,
                     saturatingBytes({features(host.getIn()),
                                      type.getIntOrFloatBitWidth() / 8}),
                     /*recording=*/false, Stream::Compute);
      hostRows[host.getIn()] = rows;
    }
  }
  // A later part waits for the run of the one before, too: then its slots are
  // free.
  Value event = RecordOp::create(
      builder, loc, EventType::get(builder.getContext()), Stream::Compute);
  planir::DemandOp::create(
      builder, loc, bank, static_cast<int64_t>(op.getPart()),
      static_cast<int64_t>(op.getParts()), known, event, op.getWhole());
}

void EntryLowering::lower(expert::SplitOp op) {
  planir::SplitOp::create(builder, loc, plan.bank(expert::bankOf(op.getSet())),
                          partOf(op.getSet()), op.getShareAttr());
}

void EntryLowering::lower(expert::FetchOp op) {
  planir::FetchExpertsOp::create(builder, loc,
                                 plan.bank(expert::bankOf(op.getSet())),
                                 partOf(op.getSet()));
}

EntryLowering::Outputs &EntryLowering::outputsOf(expert::RunOp run) {
  Operation *sum = run.getOutputs().use_empty()
                       ? run.getOperation()
                       : *run.getOutputs().getUsers().begin();
  Outputs &buffers = sums[sum];
  if (buffers.outputs)
    return buffers;
  auto bank = plan.bank(expert::bankOf(run.getSet()))
                  .getDefiningOp<planir::ExpertBankOp>();
  Rows rows = tensor(run.getIn()).rows;
  int64_t topK = bank.getTopK();
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  buffers.inner = workspace(
      place() + ".inner", saturatingBytes({topK, bank.getInner()}), f32, rows);
  buffers.outputs =
      workspace(place() + ".outputs", saturatingBytes({topK, bank.getHidden()}),
                f32, rows);
  int64_t tables =
      2 * bank.getExperts() + 1 + saturatingBytes({topK, entry.getLimit(rows)});
  buffers.tables = workspace(place() + ".tables", tables, i32, Rows::Fixed);
  return buffers;
}

void EntryLowering::lowerMoving(expert::RunOp op) {
  Tensor in = tensor(op.getIn());
  FlatSymbolRefAttr name = expert::bankOf(op.getSet());
  Value bank = plan.bank(name);
  Outputs &buffers = outputsOf(op);
  expert::DemandOp demand = expert::demandOf(op.getSet());
  int64_t part = demand.getPart(), parts = demand.getParts();
  // The host fills a part's tables while those of the part before may still be
  // on their way.
  int64_t bytes = buffers.tables.getDefiningOp<BufferOp>().getBytes();
  Value host = shared("expert_tables" + Twine(part) + ".host", bytes / 4,
                      builder.getI32Type(), Rows::Fixed);
  bool tensorCores = tensorExperts(plan.lookup<llm::ExpertBankOp>(name),
                                   element(op.getIn()), in.rows);
  RunExpertsOp::create(builder, loc, bank, part, parts, in.buffer,
                       buffers.inner, buffers.outputs, buffers.tables, host,
                       tensorCores ? Class::Tensor : Class::Portable);
  tensors[op.getOutputs()] = {buffers.outputs, in.rows};
}

void EntryLowering::lower(expert::RunHostOp op) {
  Rows rows = tensor(op.getIn()).rows;
  Value bank = plan.bank(expert::bankOf(op.getSet()));
  auto shape = bank.getDefiningOp<planir::ExpertBankOp>();
  Value outputs = shared("expert_outputs.host",
                         saturatingBytes({shape.getTopK(), shape.getHidden()}),
                         builder.getF32Type(), rows);
  planir::RunHostOp::create(builder, loc, bank, partOf(op.getSet()),
                            hostRows.lookup(op.getIn()), outputs);
  tensors[op.getOutputs()] = {outputs, rows};
}

void EntryLowering::join(expert::RunHostOp op, Value staged, Value shares) {
  Value bank = plan.bank(expert::bankOf(op.getSet()));
  auto shape = bank.getDefiningOp<planir::ExpertBankOp>();
  Value sharesHost = shared("expert_shares.host", shape.getTopK(),
                            builder.getI32Type(), tensor(op.getIn()).rows);
  JoinOp::create(builder, loc, bank, partOf(op.getSet()),
                 tensor(op.getOutputs()).buffer, staged, shares, sharesHost);
}

void EntryLowering::lower(expert::ReleaseOp op) {
  auto await = op.getSlots().getDefiningOp<expert::AwaitOp>();
  auto fetch = await.getTicket().getDefiningOp<expert::FetchOp>();
  // The sum reads no slots: it can go with what follows into one graph.
  OpBuilder::InsertionGuard guard(builder);
  Block &block = entry.getBody().front();
  if (auto last = block.empty() ? LaunchOp() : dyn_cast<LaunchOp>(block.back());
      last && last.getKernel() == "expert_combine")
    builder.setInsertionPoint(last);
  planir::ReleaseOp::create(builder, loc,
                            plan.bank(expert::bankOf(op.getSlots())),
                            partOf(fetch.getSet()), op.getForget());
}

void EntryLowering::lower(expert::PrefetchOp op) {
  auto predicted = op.getSet().getDefiningOp<expert::PredictOp>();
  expert::DemandOp evidence = expert::demandOf(predicted.getEvidence());
  // The layer's own demand comes later.
  int64_t topK = evidence ? features(evidence.getIds()) : 1;
  Value bank = plan.bank(expert::bankOf(op.getSet()), op.getPoolAttr(), topK);
  planir::PrefetchOp::create(builder, loc, bank,
                             plan.bank(expert::bankOf(predicted.getEvidence())),
                             static_cast<int64_t>(predicted.getLimit()));
}

} // namespace sluice
