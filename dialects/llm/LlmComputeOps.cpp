//===- LlmComputeOps.cpp - Verifiers and folders of tensor ops ------------===//

#include "dialects/llm/Llm.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "dialects/llm/LlmOps.cpp.inc"

namespace sluice::llm {
namespace {

/// Features of a row: the second dim.
int64_t features(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}

/// The declaration `name` refers to, or null after an error.
template <typename Decl>
Decl lookup(Operation *op, SymbolTableCollection &tables,
            FlatSymbolRefAttr name) {
  auto found = tables.lookupNearestSymbolFrom<Decl>(op, name);
  if (!found)
    op->emitOpError() << name << " is not an " << Decl::getOperationName();
  return found;
}

/// Whether `name` is a weight of this shape.
LogicalResult verifyWeight(Operation *op, SymbolTableCollection &tables,
                           FlatSymbolRefAttr name, ArrayRef<int64_t> shape) {
  auto weight = lookup<WeightOp>(op, tables, name);
  if (!weight)
    return failure();
  if (weight.getTensorType().getShape() == shape)
    return success();
  InFlightDiagnostic error = op->emitOpError()
                             << name << " is " << weight.getType()
                             << ", expected shape [";
  llvm::interleaveComma(shape, error);
  return error << "]";
}

/// A norm's weight: one dim that divides the features.
LogicalResult verifyNorm(Operation *op, SymbolTableCollection &tables,
                         FlatSymbolRefAttr name, int64_t width, bool groups) {
  auto weight = lookup<WeightOp>(op, tables, name);
  if (!weight)
    return failure();
  RankedTensorType type = weight.getTensorType();
  if (type.getRank() == 1 &&
      (groups ? width % type.getDimSize(0) == 0 : width == type.getDimSize(0)))
    return success();
  return op->emitOpError() << name << " is " << type << ", expected one dim "
                           << (groups ? "that divides " : "of ") << width;
}

LogicalResult verifyEps(Operation *op, const APFloat &eps) {
  if (eps.isFinite() && !eps.isNegative())
    return success();
  return op->emitOpError("has an eps that is negative or not finite");
}

/// Row counts of `values` agree where they are known, and features are static.
LogicalResult verifyRows(Operation *op, ValueRange values) {
  int64_t rows = ShapedType::kDynamic;
  for (Value value : values) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() == 2 && type.getDimSize(1) < 1)
      return op->emitOpError()
             << "has " << type << ", expected a positive number of features";
    if (type.isDynamicDim(0))
      continue;
    if (!ShapedType::isDynamic(rows) && rows != type.getDimSize(0))
      return op->emitOpError()
             << "mixes " << rows << " rows and " << type.getDimSize(0);
    rows = type.getDimSize(0);
  }
  return success();
}

/// A page table is [sequences, pages per sequence], both known.
LogicalResult verifyPageTable(Operation *op, Value table) {
  auto type = cast<RankedTensorType>(table.getType());
  if (type.hasStaticShape() && type.getNumElements() > 0)
    return success();
  return op->emitOpError() << "has the page table " << type
                           << ", expected positive static dims";
}

/// k and v rows fit the cache; heads of q are a multiple of its heads.
LogicalResult verifyCache(Operation *op, SymbolTableCollection &tables,
                          FlatSymbolRefAttr name, Value q, Value k) {
  auto cache = lookup<KvCacheOp>(op, tables, name);
  if (!cache)
    return failure();
  int64_t width = cache.getKvHeads() * cache.getHeadDim();
  for (Value value : {q, k}) {
    if (!value)
      continue;
    auto type = cast<RankedTensorType>(value.getType());
    bool fits = value == q ? type.getDimSize(1) % width == 0
                           : type.getDimSize(1) == width;
    if (!fits ||
        type.getElementType() != cache.getTensorType().getElementType())
      return op->emitOpError()
             << (value == q ? "queries are " : "keys are ") << type
             << ", which does not fit " << name << " of " << cache.getType();
  }
  return success();
}

/// Heads of the table's size divide the features of `value`.
LogicalResult verifyTable(Operation *op, SymbolTableCollection &tables,
                          FlatSymbolRefAttr name, Value value) {
  auto table = lookup<RopeTableOp>(op, tables, name);
  if (!table)
    return failure();
  if (features(value) % table.getHeadDim() == 0)
    return success();
  return op->emitOpError() << features(value) << " features are no heads of "
                           << table.getHeadDim() << ", the head_dim of "
                           << name;
}

/// Adds an effect on the cache `name`.
template <typename Effect>
void addCacheEffect(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &list,
    FlatSymbolRefAttr name) {
  list.emplace_back(Effect::get(), name, CacheResource::get());
}

} // namespace

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getTokens(), getOut()})))
    return failure();
  auto table = lookup<WeightOp>(*this, tables, getTableAttr());
  if (!table)
    return failure();
  RankedTensorType type = table.getTensorType();
  if (type.getRank() == 2 && type.getDimSize(1) == features(getOut()))
    return success();
  return emitOpError() << getTableAttr() << " is " << type
                       << ", expected [vocabulary, " << features(getOut())
                       << "]";
}

LogicalResult LinearOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t inputs = features(getIn()), outputs = features(getOut());
  if (failed(verifyRows(*this, {getIn(), getOut()})) ||
      failed(verifyWeight(*this, tables, getWeightAttr(), {outputs, inputs})))
    return failure();
  return getBiasAttr() ? verifyWeight(*this, tables, getBiasAttr(), {outputs})
                       : success();
}

LogicalResult LinearGroupOp::verifySymbolUses(SymbolTableCollection &tables) {
  size_t count = getOuts().size();
  if (count < 2 || count > 3)
    return emitOpError() << "has " << count << " results, expected 2 or 3";
  if (getWeights().size() != count ||
      (getBiases() && getBiases()->size() != count))
    return emitOpError() << "has " << getWeights().size() << " weights, "
                         << (getBiases() ? getBiases()->size() : 0)
                         << " biases and " << count
                         << " results, expected as many of each or no bias";
  int64_t inputs = features(getIn());
  for (auto [i, out] : llvm::enumerate(getOuts())) {
    int64_t outputs = features(out);
    if (failed(verifyRows(*this, {getIn(), out})) ||
        failed(verifyWeight(*this, tables, getWeight(i), {outputs, inputs})))
      return failure();
    if (getBiases() &&
        failed(verifyWeight(*this, tables, getBias(i), {outputs})))
      return failure();
  }
  return success();
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, getIn())) || failed(verifyEps(*this, getEps())))
    return failure();
  return verifyNorm(*this, tables, getWeightAttr(), features(getIn()), true);
}

LogicalResult AddOp::verify() { return verifyRows(*this, getA()); }

LogicalResult AddRmsNormOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, getA())) || failed(verifyEps(*this, getEps())))
    return failure();
  return verifyNorm(*this, tables, getWeightAttr(), features(getA()), false);
}

/// Without a reader of the norm, only the sum is left. (Without a reader of the
/// sum nothing is saved: the kernel needs the rounded sum for the norm.)
LogicalResult AddRmsNormOp::canonicalize(AddRmsNormOp op,
                                         PatternRewriter &rewriter) {
  if (!op.getOut().use_empty() || op.getSum().use_empty())
    return failure();
  Value sum = AddOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
  rewriter.replaceOp(op, {sum, sum});
  return success();
}

LogicalResult RopeOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getIn(), getPositions()})))
    return failure();
  return verifyTable(*this, tables, getTableAttr(), getIn());
}

LogicalResult KvWriteOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getK(), getV(), getPositions()})) ||
      failed(verifyPageTable(*this, getPageTable())))
    return failure();
  return verifyCache(*this, tables, getCacheAttr(), Value(), getK());
}

void KvWriteOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addCacheEffect<MemoryEffects::Write>(effects, getCacheAttr());
}

LogicalResult
QkNormRopeWriteOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getQ(), getK(), getPositions()})) ||
      failed(verifyPageTable(*this, getPageTable())) ||
      failed(verifyEps(*this, getEps())) ||
      failed(verifyCache(*this, tables, getCacheAttr(), getQ(), getK())))
    return failure();
  auto table = lookup<RopeTableOp>(*this, tables, getTableAttr());
  if (!table)
    return failure();
  auto cache = tables.lookupNearestSymbolFrom<KvCacheOp>(*this, getCacheAttr());
  int64_t headDim = cache.getHeadDim();
  if (table.getHeadDim() != headDim)
    return emitOpError() << getTableAttr() << " is for heads of "
                         << table.getHeadDim() << ", " << getCacheAttr()
                         << " for heads of " << headDim;
  if (failed(verifyWeight(*this, tables, getQWeightAttr(), {headDim})))
    return failure();
  return verifyWeight(*this, tables, getKWeightAttr(), {headDim});
}

void QkNormRopeWriteOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addCacheEffect<MemoryEffects::Write>(effects, getCacheAttr());
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getQ(), getPositions()})) ||
      failed(verifyPageTable(*this, getPageTable())))
    return failure();
  if (!getScale().isFinite())
    return emitOpError("has a scale that is not finite");
  return verifyCache(*this, tables, getCacheAttr(), getQ(), Value());
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addCacheEffect<MemoryEffects::Read>(effects, getCacheAttr());
}

LogicalResult SoftmaxOp::verify() { return verifyRows(*this, getIn()); }

/// Of every op that chooses among `values`.
template <typename ChooseOp>
static LogicalResult verifyChoice(ChooseOp op, Value values) {
  if (failed(verifyRows(op, {values, op.getIds(), op.getWeights()})))
    return failure();
  if (op.getTopK() != features(op.getWeights()))
    return op.emitOpError() << "gives " << op.getTopK() << " ids but "
                            << features(op.getWeights()) << " weights";
  if (op.getTopK() > op.getExperts())
    return op.emitOpError() << "chooses " << op.getTopK() << " of "
                            << op.getExperts() << " experts";
  return success();
}

LogicalResult TopKOp::verify() { return verifyChoice(*this, getIn()); }
LogicalResult RouteOp::verify() { return verifyChoice(*this, getIn()); }

LogicalResult AddNormRouteOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t hidden = features(getA());
  if (failed(verifyRows(*this, {getA(), getLogits()})) ||
      failed(verifyEps(*this, getEps())) ||
      failed(verifyNorm(*this, tables, getNormWeightAttr(), hidden, false)) ||
      failed(verifyWeight(*this, tables, getRouterWeightAttr(),
                          {getExperts(), hidden})))
    return failure();
  return verifyChoice(*this, getLogits());
}

LogicalResult SwigluOp::verify() { return verifyRows(*this, getGate()); }

LogicalResult ExpertsOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (failed(verifyRows(*this, {getIn(), getIds(), getWeights()})))
    return failure();
  auto bank = lookup<ExpertBankOp>(*this, tables, getBankAttr());
  if (!bank)
    return failure();
  if (features(getIn()) != static_cast<int64_t>(bank.getHidden()))
    return emitOpError() << "input has " << features(getIn())
                         << " features, experts of " << getBankAttr()
                         << " take " << bank.getHidden();
  if (features(getIds()) != features(getWeights()))
    return emitOpError() << "has " << features(getIds()) << " ids but "
                         << features(getWeights()) << " weights";
  if (features(getIds()) > static_cast<int64_t>(bank.getExperts()))
    return emitOpError() << "has " << features(getIds()) << " ids a row, but "
                         << getBankAttr() << " has " << bank.getExperts()
                         << " experts";
  return success();
}

LogicalResult SelectRowsOp::verify() {
  if (features(getIn()) != features(getOut()) ||
      getIn().getType().getElementType() != getOut().getType().getElementType())
    return emitOpError() << "turns " << getIn().getType() << " into "
                         << getOut().getType();
  return verifyRows(*this, {getRows(), getOut()});
}

namespace {

/// select_rows(f(x)) -> f(select_rows(x)) for an f of one row that nothing else
/// reads: the same bits from fewer rows.
template <typename RowOp> struct SelectBefore : OpRewritePattern<SelectRowsOp> {
  using OpRewritePattern<SelectRowsOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectRowsOp select,
                                PatternRewriter &rewriter) const override {
    auto producer = select.getIn().getDefiningOp<RowOp>();
    if (!producer || !producer->hasOneUse())
      return failure();
    auto in = cast<RankedTensorType>(producer.getIn().getType());
    Type selected =
        in.clone({select.getOut().getType().getDimSize(0), in.getDimSize(1)});
    Value rows = SelectRowsOp::create(rewriter, select.getLoc(), selected,
                                      producer.getIn(), select.getRows());
    Operation *moved = rewriter.clone(*producer);
    moved->setOperand(0, rows);
    moved->getResult(0).setType(select.getOut().getType());
    rewriter.replaceOp(select, moved->getResults());
    return success();
  }
};

} // namespace

void SelectRowsOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<SelectBefore<LinearOp>, SelectBefore<RmsNormOp>>(context);
}

} // namespace sluice::llm
