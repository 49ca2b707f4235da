//===- fuse_llm.cpp - Joins neighbouring llm ops --------------------------===//
//
// Patterns over single ops and their neighbours. A pattern changes nothing but
// the number of kernels: the fused op is defined as its parts in sequence.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-llm"

namespace sluice {
#define GEN_PASS_DEF_FUSELLM
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::llm;

namespace sluice {
namespace {

/// `use` if it is the only reader of `value` and a T.
template <typename T> T onlyReader(Value value) {
  return value.hasOneUse() ? dyn_cast<T>(*value.user_begin()) : T();
}

/// The element type of a weight; null where there is none.
Type typeOf(Operation *op, FlatSymbolRefAttr name) {
  auto weight = name ? SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, name)
                     : WeightOp();
  return weight ? weight.getTensorType().getElementType() : Type();
}

/// A pattern that counts how often it matched.
template <typename Op> struct Fusion : OpRewritePattern<Op> {
  Fusion(MLIRContext *context, int64_t &count)
      : OpRewritePattern<Op>(context), count(count) {}
  int64_t &count;
};

/// rms_norm(add(a, b)) -> add_rms_norm, where the norm has a single group.
/// Other readers of the sum read the fused op's first result.
struct FuseNorm : Fusion<RmsNormOp> {
  using Fusion::Fusion;

  LogicalResult matchAndRewrite(RmsNormOp norm,
                                PatternRewriter &rewriter) const override {
    auto add = norm.getIn().getDefiningOp<AddOp>();
    if (!add || add->getBlock() != norm->getBlock())
      return failure();
    auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
        norm, norm.getWeightAttr());
    if (!weight || weight.getTensorType().getDimSize(0) !=
                       norm.getIn().getType().getDimSize(1))
      return failure();
    // At the addition, so that the sum stays before all of its readers.
    rewriter.setInsertionPoint(add);
    auto fused = AddRmsNormOp::create(rewriter, norm.getLoc(), add.getType(),
                                      norm.getType(), add.getA(), add.getB(),
                                      norm.getWeightAttr(), norm.getEpsAttr());
    rewriter.replaceOp(norm, fused.getOut());
    rewriter.replaceOp(add, fused.getSum());
    ++count;
    return success();
  }
};

/// kv_write(rope(rms_norm(k)), v) with rope(rms_norm(q)) of the same positions
/// -> qk_norm_rope_write. The rotated q is the one that attention of the same
/// cache reads.
struct FuseWrite : Fusion<KvWriteOp> {
  using Fusion::Fusion;

  LogicalResult matchAndRewrite(KvWriteOp write,
                                PatternRewriter &rewriter) const override {
    RopeOp kRope = write.getK().getDefiningOp<RopeOp>();
    RmsNormOp kNorm = rotatedNorm(kRope);
    RopeOp qRope = findQuery(write);
    RmsNormOp qNorm = rotatedNorm(qRope);
    if (!kNorm || !qNorm || qRope.getPositions() != write.getPositions() ||
        kRope.getPositions() != write.getPositions() ||
        qRope.getTable() != kRope.getTable() ||
        qNorm.getEps() != kNorm.getEps())
      return failure();
    auto cache = SymbolTable::lookupNearestSymbolFrom<KvCacheOp>(
        write, write.getCacheAttr());
    auto table = SymbolTable::lookupNearestSymbolFrom<RopeTableOp>(
        write, kRope.getTableAttr());
    if (!cache || !table || table.getHeadDim() != cache.getHeadDim())
      return failure();
    for (RmsNormOp norm : {qNorm, kNorm}) {
      auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
          norm, norm.getWeightAttr());
      if (!weight || weight.getTensorType().getDimSize(0) != cache.getHeadDim())
        return failure();
    }
    auto fused = QkNormRopeWriteOp::create(
        rewriter, write.getLoc(), qRope.getType(), qNorm.getIn(), kNorm.getIn(),
        write.getV(), write.getPositions(), write.getSequences(),
        write.getPageTable(), qNorm.getWeightAttr(), kNorm.getWeightAttr(),
        qRope.getTableAttr(), write.getCacheAttr(), qNorm.getEpsAttr());
    rewriter.replaceOp(qRope, fused.getOut());
    rewriter.eraseOp(write);
    for (Operation *op :
         {qNorm.getOperation(), kRope.getOperation(), kNorm.getOperation()})
      rewriter.eraseOp(op);
    ++count;
    return success();
  }

private:
  /// The norm whose only reader is `rope`, which itself has one reader.
  static RmsNormOp rotatedNorm(RopeOp rope) {
    if (!rope || !rope.getOut().hasOneUse())
      return {};
    auto norm = rope.getIn().getDefiningOp<RmsNormOp>();
    return norm && norm.getOut().hasOneUse() ? norm : RmsNormOp();
  }

  /// The rotation of the queries that read what `write` wrote: that of the next
  /// attention on its cache. It moves up to the write, so it must not be needed
  /// before, and q must be there already.
  static RopeOp findQuery(KvWriteOp write) {
    for (Operation *op = write->getNextNode(); op; op = op->getNextNode()) {
      auto attention = dyn_cast<AttentionOp>(op);
      if (!attention || attention.getCache() != write.getCache())
        continue;
      auto rope = attention.getQ().getDefiningOp<RopeOp>();
      RmsNormOp norm = rotatedNorm(rope);
      Operation *q = norm ? norm.getIn().getDefiningOp() : nullptr;
      bool there = norm && rope->getBlock() == write->getBlock() &&
                   (!q || (q->getBlock() == write->getBlock() &&
                           q->isBeforeInBlock(write)));
      return there ? rope : RopeOp();
    }
    return {};
  }
};

/// Two or three linears of one input whose results one attention uses as q, k
/// and v -> linear_group.
struct FuseProjections : Fusion<AttentionOp> {
  using Fusion::Fusion;

  LogicalResult matchAndRewrite(AttentionOp attention,
                                PatternRewriter &rewriter) const override {
    SmallVector<LinearOp, 3> group = findGroup(attention);
    if (group.empty())
      return failure();
    SmallVector<Attribute> weights, biases;
    SmallVector<Location> places;
    SmallVector<Type> types;
    for (LinearOp linear : group) {
      weights.push_back(linear.getWeightAttr());
      if (linear.getBiasAttr())
        biases.push_back(linear.getBiasAttr());
      places.push_back(linear.getLoc());
      types.push_back(linear.getType());
    }
    // At the first of them, so that results stay before all of their readers.
    rewriter.setInsertionPoint(group.front());
    auto fused = LinearGroupOp::create(
        rewriter, rewriter.getFusedLoc(places), types, group.front().getIn(),
        rewriter.getArrayAttr(weights),
        biases.empty() ? ArrayAttr() : rewriter.getArrayAttr(biases));
    for (auto [linear, result] : llvm::zip_equal(group, fused.getOuts()))
      rewriter.replaceOp(linear, result);
    ++count;
    return success();
  }

private:
  /// The linears to be joined, in the order of the block; empty: fewer than
  /// two are alike.
  static SmallVector<LinearOp, 3> findGroup(AttentionOp attention) {
    SmallVector<LinearOp, 3> all;
    for (Value value : findProjected(attention))
      if (auto linear = value.getDefiningOp<LinearOp>();
          linear && linear->getBlock() == attention->getBlock() &&
          !llvm::is_contained(all, linear))
        all.push_back(linear);
    llvm::sort(all,
               [](LinearOp a, LinearOp b) { return a->isBeforeInBlock(b); });
    for (LinearOp first : all) {
      SmallVector<LinearOp, 3> group;
      for (LinearOp other : all)
        if (areAlike(first, other))
          group.push_back(other);
      if (group.size() > 1)
        return group;
    }
    return {};
  }

  /// What was projected for an attention: its q, and the k and v that the last
  /// write to its cache in front of it takes, before norms and rotations.
  static SmallVector<Value, 3> findProjected(AttentionOp attention) {
    for (Operation *op = attention->getPrevNode(); op; op = op->getPrevNode()) {
      if (auto write = dyn_cast<QkNormRopeWriteOp>(op);
          write && write.getCache() == attention.getCache()) {
        bool own = attention.getQ() == write.getOut();
        return {own ? write.getQ() : attention.getQ(), write.getK(),
                write.getV()};
      }
      if (auto write = dyn_cast<KvWriteOp>(op);
          write && write.getCache() == attention.getCache())
        return {beforeRotation(attention.getQ()), beforeRotation(write.getK()),
                write.getV()};
    }
    return {};
  }

  static Value beforeRotation(Value value) {
    if (auto rope = value.getDefiningOp<RopeOp>())
      value = rope.getIn();
    if (auto norm = value.getDefiningOp<RmsNormOp>())
      value = norm.getIn();
    return value;
  }

  /// Whether one kernel does for both what it does for each alone, in the same
  /// class of arithmetic: the matrix units ask for outputs in eights.
  static bool areAlike(LinearOp a, LinearOp b) {
    return a.getIn() == b.getIn() &&
           typeOf(a, a.getWeightAttr()) == typeOf(b, b.getWeightAttr()) &&
           typeOf(a, a.getBiasAttr()) == typeOf(b, b.getBiasAttr()) &&
           inEights(a) == inEights(b);
  }

  static bool inEights(LinearOp op) {
    return op.getType().getDimSize(1) % 8 == 0;
  }
};

/// top_k(softmax(logits)) -> route.
struct FuseRouter : Fusion<TopKOp> {
  using Fusion::Fusion;

  LogicalResult matchAndRewrite(TopKOp choice,
                                PatternRewriter &rewriter) const override {
    auto softmax = choice.getIn().getDefiningOp<SoftmaxOp>();
    if (!softmax || onlyReader<TopKOp>(softmax.getOut()) != choice)
      return failure();
    rewriter.replaceOpWithNewOp<RouteOp>(
        choice, choice.getIds().getType(), choice.getWeights().getType(),
        softmax.getIn(), choice.getNormalizeAttr());
    rewriter.eraseOp(softmax);
    ++count;
    return success();
  }
};

/// route(linear(add_rms_norm)) -> add_norm_route, where only the route reads
/// the logits. Other readers of the sum and the norm, such as the experts, read
/// the fused op's results.
struct FuseNormedRouter : Fusion<RouteOp> {
  using Fusion::Fusion;

  LogicalResult matchAndRewrite(RouteOp route,
                                PatternRewriter &rewriter) const override {
    auto linear = route.getIn().getDefiningOp<LinearOp>();
    if (!linear || linear.getBiasAttr() ||
        onlyReader<RouteOp>(linear.getOut()) != route)
      return failure();
    auto norm = linear.getIn().getDefiningOp<AddRmsNormOp>();
    if (!norm || linear.getIn() != norm.getOut() ||
        norm->getBlock() != route->getBlock())
      return failure();
    // A launch has one class of arithmetic, by the types of all its weights:
    // that of the product alone, if they are the same.
    if (typeOf(norm, norm.getWeightAttr()) !=
        typeOf(linear, linear.getWeightAttr()))
      return failure();
    // At the norm, so that its results stay before all of their readers.
    rewriter.setInsertionPoint(norm);
    const Location places[] = {norm.getLoc(), linear.getLoc(), route.getLoc()};
    auto fused = AddNormRouteOp::create(
        rewriter, rewriter.getFusedLoc(places), norm.getSum().getType(),
        norm.getOut().getType(), linear.getType(), route.getIds().getType(),
        route.getWeights().getType(), norm.getA(), norm.getB(),
        norm.getWeightAttr(), linear.getWeightAttr(), route.getNormalizeAttr(),
        norm.getEpsAttr());
    rewriter.replaceOp(route, {fused.getIds(), fused.getWeights()});
    rewriter.eraseOp(linear);
    rewriter.replaceOp(norm, {fused.getSum(), fused.getOut()});
    ++count;
    return success();
  }
};

struct FuseLlm : impl::FuseLlmBase<FuseLlm> {
  using FuseLlmBase::FuseLlmBase;

  void runOnOperation() override {
    int64_t normCount = 0, writeCount = 0, routerCount = 0, groupCount = 0;
    int64_t normedRouterCount = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseNorm>(&getContext(), normCount);
    patterns.add<FuseWrite>(&getContext(), writeCount);
    patterns.add<FuseRouter>(&getContext(), routerCount);
    patterns.add<FuseProjections>(&getContext(), groupCount);
    patterns.add<FuseNormedRouter>(&getContext(), normedRouterCount);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    norms += normCount;
    writes += writeCount;
    routers += routerCount;
    groups += groupCount;
    normedRouters += normedRouterCount;
    // A release build of MLIR keeps no statistics; a remark is always there.
    remark::passed(getOperation().getLoc(),
                   remark::RemarkOpts::name("fused").category(DEBUG_TYPE))
        << remark::metric("add_rms_norm", normCount)
        << remark::metric("qk_norm_rope_write", writeCount)
        << remark::metric("route", routerCount)
        << remark::metric("linear_group", groupCount)
        << remark::metric("add_norm_route", normedRouterCount);
  }
};

} // namespace
} // namespace sluice
