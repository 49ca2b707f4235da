//===- verify_llm.cpp - The gate behind the llm stage ---------------------===//
//
// What no op can check alone: that the module is one whole model, whose entry
// points take and give what the later stages and the runtime rely on.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "verify-llm"

namespace sluice {
#define GEN_PASS_DEF_VERIFYLLM
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::llm;

namespace sluice {
namespace {

class ModelCheck {
public:
  explicit ModelCheck(ModuleOp module) : module(module) {}

  LogicalResult run() {
    auto models = module.getOps<ModelOp>();
    if (models.empty())
      return module.emitError("has no llm.model");
    model = *models.begin();
    for (StringRef name : {"prefill", "decode"}) {
      auto entry = module.lookupSymbol<func::FuncOp>(name);
      if (!entry)
        return module.emitError() << "has no entry point @" << name;
      if (failed(checkEntry(entry)))
        return failure();
    }
    for (KvCacheOp cache : module.getOps<KvCacheOp>())
      if (failed(checkCache(cache)))
        return failure();
    for (RopeTableOp table : module.getOps<RopeTableOp>())
      if (table.getPositions() < model.getMaxPositions())
        return table.emitOpError()
               << "has " << table.getPositions()
               << " positions, the model needs " << model.getMaxPositions();
    return success();
  }

  unsigned entryCount = 0, opCount = 0;

private:
  LogicalResult checkEntry(func::FuncOp entry) {
    auto rows = entry->getAttrOfType<IntegerAttr>(kMaxRows);
    auto logitRows = entry->getAttrOfType<IntegerAttr>(kMaxLogitRows);
    if (!rows || !logitRows)
      return entry.emitError()
             << "needs " << kMaxRows << " and " << kMaxLogitRows;
    if (entry.isExternal() || !entry.getBody().hasOneBlock())
      return entry.emitError("needs a body of one block");
    ++entryCount;
    for (Operation &op : entry.getBody().front().without_terminator()) {
      ++opCount;
      if (op.getName().getDialectNamespace() != "llm")
        return op.emitOpError("does not belong in the llm stage");
    }
    return success(succeeded(checkArguments(entry)) &&
                   succeeded(checkResults(entry)));
  }

  LogicalResult checkArguments(func::FuncOp entry) {
    if (entry.getNumArguments() != kInputRoles)
      return entry.emitError() << "has " << entry.getNumArguments()
                               << " arguments, expected " << kInputRoles;
    Builder builder(module.getContext());
    Type integers =
        RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
    Type table = RankedTensorType::get(
        {static_cast<int64_t>(model.getMaxSequences()),
         static_cast<int64_t>(model.getPagesPerSequence())},
        builder.getI32Type());
    for (int i = 0; i < kInputRoles; ++i) {
      auto role = entry.getArgAttrOfType<StringAttr>(i, kRole);
      if (!role || role.getValue() != kRoles[i])
        return entry.emitError()
               << "argument " << i << " is not the " << kRoles[i];
      Type expected = role.getValue() == "page_table" ? table : integers;
      if (entry.getArgumentTypes()[i] != expected)
        return entry.emitError()
               << kRoles[i] << " are " << entry.getArgumentTypes()[i]
               << ", expected " << expected;
    }
    return success();
  }

  /// Logits, then ids and weights of each layer that routes, by layer.
  LogicalResult checkResults(func::FuncOp entry) {
    Builder builder(module.getContext());
    auto rows = [&](int64_t features, Type element) {
      return RankedTensorType::get({ShapedType::kDynamic, features}, element);
    };
    if (failed(checkResult(entry, 0, "logits",
                           rows(model.getVocab(), builder.getF32Type()))))
      return failure();
    int64_t last = -1;
    for (unsigned i = 1; i < entry.getNumResults(); i += 2) {
      if (failed(checkResult(entry, i, "expert_ids",
                             rows(model.getTopK(), builder.getI32Type()))) ||
          failed(checkResult(entry, i + 1, "expert_weights",
                             rows(model.getTopK(), builder.getF32Type()))))
        return failure();
      auto layer = entry.getResultAttrOfType<IntegerAttr>(i, kLayer);
      auto twin = entry.getResultAttrOfType<IntegerAttr>(i + 1, kLayer);
      if (!layer || layer != twin || layer.getInt() <= last ||
          layer.getInt() >= static_cast<int64_t>(model.getLayers()))
        return entry.emitError()
               << "results " << i << " and " << i + 1
               << " are not of one layer, behind that of those before";
      last = layer.getInt();
    }
    return success();
  }

  LogicalResult checkResult(func::FuncOp entry, unsigned index, StringRef role,
                            Type type) {
    if (index >= entry.getNumResults() ||
        entry.getResultAttr(index, kRole) !=
            StringAttr::get(module.getContext(), role))
      return entry.emitError() << "result " << index << " is not the " << role;
    if (entry.getResultTypes()[index] != type)
      return entry.emitError()
             << role << " are " << entry.getResultTypes()[index]
             << ", expected " << type;
    return success();
  }

  LogicalResult checkCache(KvCacheOp cache) {
    if (cache.getPages() == static_cast<int64_t>(model.getPages()) &&
        cache.getPageTokens() == static_cast<int64_t>(model.getPageTokens()) &&
        cache.getTensorType().getElementType() == model.getActivations())
      return success();
    return cache.emitOpError()
           << "is " << cache.getType() << ", but the model has "
           << model.getPages() << " pages of " << model.getPageTokens()
           << " tokens in " << model.getActivations();
  }

  ModuleOp module;
  ModelOp model;
};

struct VerifyLlm : impl::VerifyLlmBase<VerifyLlm> {
  using VerifyLlmBase::VerifyLlmBase;

  void runOnOperation() override {
    ModelCheck check(getOperation());
    if (failed(check.run()))
      return signalPassFailure();
    entries += check.entryCount;
    ops += check.opCount;
    remark::passed(getOperation().getLoc(),
                   remark::RemarkOpts::name("checked").category(DEBUG_TYPE))
        << remark::metric("entries", check.entryCount)
        << remark::metric("ops", check.opCount);
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace sluice
