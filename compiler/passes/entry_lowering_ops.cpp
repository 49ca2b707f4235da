//===- entry_lowering_ops.cpp - Each tensor op as launches ----------------===//
//
// Operands, dims and scalars stand in the order of kernels/signatures.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/entry_lowering.h"
#include "kernels/linear_group.h"
#include "runtime/plan/version.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

/// Entries of more rows fill the GPU without splitting a row's context.
constexpr int64_t kMostScratchRows = 64;

int64_t features(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}
Type element(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}
int64_t sequences(Value pageTable) {
  return cast<RankedTensorType>(pageTable.getType()).getDimSize(0);
}
bool eights(std::initializer_list<int64_t> sizes) {
  return llvm::all_of(sizes, [](int64_t size) { return size % 8 == 0; });
}

} // namespace

void EntryLowering::lower(llm::EmbedOp op) {
  Tensor tokens = tensor(op.getTokens());
  auto table = plan.lookup<llm::WeightOp>(op.getTableAttr());
  Value weight = plan.weight(op.getTableAttr());
  Value out = result(op.getOut(), tokens.rows);
  launch("embed", {tokens.buffer, weight, out},
         {table.getTensorType().getDimSize(0), features(op.getOut())},
         tokens.rows);
}

void EntryLowering::lower(llm::LinearOp op) {
  Tensor in = tensor(op.getIn());
  int64_t inputs = features(op.getIn()), outputs = features(op.getOut());
  Value weight = plan.weight(op.getWeightAttr());
  Value bias = op.getBiasAttr() ? plan.weight(op.getBiasAttr()) : Value();
  bool bf16 = element(op.getIn()).isBF16() &&
              plan.weightType(op.getWeightAttr()).isBF16() &&
              (!bias || plan.weightType(op.getBiasAttr()).isBF16());
  Value out = result(op.getOut(), in.rows);
  launch("linear", {in.buffer, weight, bias, out}, {inputs, outputs}, in.rows,
         {}, wide(in.rows) && bf16 && eights({inputs, outputs}));
}

void EntryLowering::lower(llm::LinearGroupOp op) {
  Tensor in = tensor(op.getIn());
  SmallVector<Value> operands = {in.buffer};
  SmallVector<int64_t> dims = {features(op.getIn())};
  bool tensorCores = wide(in.rows) && element(op.getIn()).isBF16() &&
                     eights({features(op.getIn())});
  // Where fuse-llm made the group, each output keeps the name that it had.
  auto parts = dyn_cast<FusedLoc>(op.getLoc());
  for (auto [i, out] : llvm::enumerate(op.getOuts())) {
    loc = parts && parts.getLocations().size() == op.getOuts().size()
              ? parts.getLocations()[i]
              : op.getLoc();
    Value weight = plan.weight(op.getWeight(i));
    Value bias = op.getBiases() ? plan.weight(op.getBias(i)) : Value();
    tensorCores = tensorCores && eights({features(out)}) &&
                  plan.weightType(op.getWeight(i)).isBF16() &&
                  (!bias || plan.weightType(op.getBias(i)).isBF16());
    operands.append({weight, bias, result(out, in.rows)});
    dims.push_back(features(out));
  }
  loc = op.getLoc();
  for (size_t i = op.getOuts().size(); i < kGroupMatrices; ++i) {
    operands.append(3, Value());
    dims.push_back(0);
  }
  launch("linear_group", operands, dims, in.rows, {}, tensorCores);
}

void EntryLowering::lower(llm::RmsNormOp op) {
  Tensor in = tensor(op.getIn());
  auto weight = plan.lookup<llm::WeightOp>(op.getWeightAttr());
  int64_t width = weight.getTensorType().getDimSize(0);
  Value weights = plan.weight(op.getWeightAttr());
  Value out = result(op.getOut(), in.rows);
  launch("rms_norm", {in.buffer, weights, out},
         {features(op.getIn()) / width, width}, in.rows,
         {op.getEps().convertToFloat()});
}

void EntryLowering::lower(llm::AddOp op) {
  Tensor a = tensor(op.getA()), b = tensor(op.getB());
  Value out = result(op.getOut(), a.rows);
  launch("add", {a.buffer, b.buffer, out}, {features(op.getA())}, a.rows);
}

void EntryLowering::lower(llm::AddRmsNormOp op) {
  Tensor a = tensor(op.getA()), b = tensor(op.getB());
  Value weight = plan.weight(op.getWeightAttr());
  Value sum = result(op.getSum(), a.rows, ".sum");
  Value out = result(op.getOut(), a.rows);
  launch("add_rms_norm", {a.buffer, b.buffer, weight, sum, out},
         {features(op.getA())}, a.rows, {op.getEps().convertToFloat()});
}

void EntryLowering::lower(llm::AddNormRouteOp op) {
  Tensor a = tensor(op.getA()), b = tensor(op.getB());
  const int64_t hidden = features(op.getA());
  Value normWeight = plan.weight(op.getNormWeightAttr());
  Value routerWeight = plan.weight(op.getRouterWeightAttr());
  const bool bf16 = element(op.getA()).isBF16() &&
                    plan.weightType(op.getNormWeightAttr()).isBF16() &&
                    plan.weightType(op.getRouterWeightAttr()).isBF16();
  // Where fuse-llm made it, each result keeps the name that it had: those of
  // the norm, the product and the choice.
  auto parts = dyn_cast<FusedLoc>(op.getLoc());
  const bool apart = parts && parts.getLocations().size() == 3;
  auto from = [&](unsigned part) {
    loc = apart ? parts.getLocations()[part] : op.getLoc();
  };
  from(0);
  Value sum = result(op.getSum(), a.rows, ".sum");
  Value out = result(op.getOut(), a.rows);
  from(1);
  Value logits = result(op.getLogits(), a.rows, apart ? "" : ".logits");
  from(2);
  Value ids = result(op.getIds(), a.rows, ".ids");
  Value weights = result(op.getWeights(), a.rows, ".weights");
  loc = op.getLoc();
  launch("add_norm_route",
         {a.buffer, b.buffer, normWeight, routerWeight, sum, out, logits, ids,
          weights},
         {hidden, op.getExperts(), op.getTopK(), op.getNormalize() ? 1 : 0},
         a.rows, {op.getEps().convertToFloat()},
         wide(a.rows) && bf16 && eights({hidden, op.getExperts()}));
}

void EntryLowering::lower(llm::RopeOp op) {
  Tensor in = tensor(op.getIn()), positions = tensor(op.getPositions());
  auto table = plan.lookup<llm::RopeTableOp>(op.getTableAttr());
  int64_t headDim = table.getHeadDim();
  auto [cos, sin] = plan.rope(op.getTableAttr());
  Value out = result(op.getOut(), in.rows);
  launch("rope", {in.buffer, positions.buffer, cos, sin, out},
         {features(op.getIn()) / headDim, headDim,
          static_cast<int64_t>(table.getPositions())},
         in.rows);
}

void EntryLowering::lower(llm::KvWriteOp op) {
  Tensor k = tensor(op.getK());
  auto cache = plan.lookup<llm::KvCacheOp>(op.getCacheAttr());
  auto [keys, values] = plan.cache(op.getCacheAttr());
  launch("kv_write",
         {k.buffer, tensor(op.getV()).buffer, tensor(op.getPositions()).buffer,
          tensor(op.getSequences()).buffer, tensor(op.getPageTable()).buffer,
          keys, values},
         {cache.getKvHeads(), cache.getHeadDim(), cache.getPages(),
          cache.getPageTokens(), sequences(op.getPageTable()),
          features(op.getPageTable())},
         k.rows);
}

void EntryLowering::lower(llm::QkNormRopeWriteOp op) {
  Tensor q = tensor(op.getQ());
  auto cache = plan.lookup<llm::KvCacheOp>(op.getCacheAttr());
  auto table = plan.lookup<llm::RopeTableOp>(op.getTableAttr());
  int64_t headDim = cache.getHeadDim();
  Value qWeight = plan.weight(op.getQWeightAttr());
  Value kWeight = plan.weight(op.getKWeightAttr());
  auto [cos, sin] = plan.rope(op.getTableAttr());
  auto [keys, values] = plan.cache(op.getCacheAttr());
  Value out = result(op.getOut(), q.rows);
  launch("qk_norm_rope_write",
         {q.buffer, tensor(op.getK()).buffer, tensor(op.getV()).buffer, qWeight,
          kWeight, tensor(op.getPositions()).buffer,
          tensor(op.getSequences()).buffer, tensor(op.getPageTable()).buffer,
          cos, sin, out, keys, values},
         {features(op.getQ()) / headDim, cache.getKvHeads(), headDim,
          static_cast<int64_t>(table.getPositions()), cache.getPages(),
          cache.getPageTokens(), sequences(op.getPageTable()),
          features(op.getPageTable())},
         q.rows, {op.getEps().convertToFloat()});
}

void EntryLowering::lower(llm::AttentionOp op) {
  Tensor q = tensor(op.getQ());
  auto cache = plan.lookup<llm::KvCacheOp>(op.getCacheAttr());
  int64_t headDim = cache.getHeadDim();
  int64_t heads = features(op.getQ()) / headDim, partial = headDim + 2;
  int64_t splits =
      llvm::divideCeil(static_cast<int64_t>(plan.model().getMaxPositions()),
                       plan::kAttentionSplit);
  auto [keys, values] = plan.cache(op.getCacheAttr());
  Value scratch;
  if (entry.getLimit(q.rows) <= kMostScratchRows)
    scratch = workspace(place() + ".scratch",
                        saturatingBytes({heads, splits, partial}),
                        builder.getF32Type(), q.rows);
  Value out = result(op.getOut(), q.rows);
  bool tensorCores = isPrefill() && wide(q.rows) &&
                     element(op.getQ()).isBF16() && eights({headDim});
  launch("attention",
         {q.buffer, keys, values, tensor(op.getPositions()).buffer,
          tensor(op.getSequences()).buffer, tensor(op.getPageTable()).buffer,
          scratch, out},
         {heads, cache.getKvHeads(), headDim, cache.getPages(),
          cache.getPageTokens(), sequences(op.getPageTable()),
          features(op.getPageTable()), splits, partial},
         q.rows, {op.getScale().convertToFloat()}, tensorCores);
}

void EntryLowering::lower(llm::SoftmaxOp op) {
  Tensor in = tensor(op.getIn());
  Value out = result(op.getOut(), in.rows);
  launch("softmax", {in.buffer, out}, {features(op.getIn())}, in.rows);
}

template <typename Choice>
void EntryLowering::lowerChoice(Choice op, const char *kernel) {
  Tensor in = tensor(op.getIn());
  Value ids = result(op.getIds(), in.rows, ".ids");
  Value weights = result(op.getWeights(), in.rows, ".weights");
  launch(kernel, {in.buffer, ids, weights},
         {op.getExperts(), op.getTopK(), op.getNormalize() ? 1 : 0}, in.rows);
}
template void EntryLowering::lowerChoice(llm::TopKOp, const char *);
template void EntryLowering::lowerChoice(llm::RouteOp, const char *);

void EntryLowering::lower(llm::SwigluOp op) {
  Tensor gate = tensor(op.getGate());
  Value out = result(op.getOut(), gate.rows);
  launch("swiglu", {gate.buffer, tensor(op.getUp()).buffer, out},
         {features(op.getGate())}, gate.rows);
}

void EntryLowering::lower(llm::SelectRowsOp op) {
  Tensor in = tensor(op.getIn()), rows = tensor(op.getRows());
  Value out = result(op.getOut(), rows.rows);
  launch("select_rows", {in.buffer, rows.buffer, out}, {features(op.getIn())},
         rows.rows);
}

} // namespace sluice
