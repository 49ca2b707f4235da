//===- model_shape.cpp - What a decode step launches ----------------------===//

#include "compiler/analysis/model_shape.h"

#include "dialects/expert/Expert.h"
#include "dialects/llm/Llm.h"
#include "kernels/linear_group.h"
#include "kernels/signatures.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
namespace {

int64_t features(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}

/// Bytes of one row of an activation; 0 for what has no rows.
double rowBytes(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.isDynamicDim(0))
    return 0;
  double bytes = type.getElementType().getIntOrFloatBitWidth() / 8.0;
  for (int64_t dim : type.getShape().drop_front())
    bytes *= static_cast<double>(dim);
  return bytes;
}

class Reader {
public:
  Reader(ModuleOp module, bool portable)
      : symbols(module), portable(portable) {}

  ModelShape read(func::FuncOp decode) {
    ModelShape model;
    std::vector<OpShape> waiting;
    for (Operation &op : decode.getBody().front()) {
      if (auto experts = dyn_cast<llm::ExpertsOp>(op)) {
        if (auto bank = symbols.lookup<llm::ExpertBankOp>(experts.getBank()))
          model.layers.push_back(
              layer(bank, features(experts.getIds()), std::move(waiting)));
        waiting.clear();
      } else if (std::optional<OpShape> shape = launch(op)) {
        waiting.push_back(std::move(*shape));
      }
    }
    model.head = std::move(waiting);
    return model;
  }

private:
  static LayerShape layer(llm::ExpertBankOp bank, int64_t topK,
                          std::vector<OpShape> before) {
    LayerShape shape;
    shape.layer = static_cast<int64_t>(bank.getLayer());
    shape.before = std::move(before);
    shape.experts = static_cast<int64_t>(bank.getExperts());
    shape.topK = topK;
    shape.hidden = static_cast<int64_t>(bank.getHidden());
    shape.inner = static_cast<int64_t>(bank.getInner());
    shape.expertBytes = static_cast<uint64_t>(expert::slotLayout(bank).bytes);
    for (OpShape &op : shape.before)
      markGate(op, shape.experts);
    return shape;
  }

  /// A norm that is one with the router counts as the gate's.
  static void markGate(OpShape &op, int64_t experts) {
    op.gate = op.kernel == Kernel::Route || op.kernel == Kernel::Softmax ||
              op.kernel == Kernel::TopK || op.kernel == Kernel::AddNormRoute ||
              (op.kernel == Kernel::Linear && op.dims[1] == experts);
  }

  std::optional<OpShape> launch(Operation &op) {
    const Signature *signature =
        findSignature(op.getName().stripDialect().str());
    if (!signature || !isa<llm::LlmDialect>(op.getDialect()))
      return std::nullopt;
    OpShape shape;
    shape.kernel = signature->kernel;
    for (Value value : op.getOperands())
      shape.rowBytes += rowBytes(value);
    for (Value value : op.getResults())
      shape.rowBytes += rowBytes(value);
    // Also those that lie in an array.
    for (NamedAttribute attribute : op.getAttrs())
      attribute.getValue().walk([&](FlatSymbolRefAttr name) {
        if (auto weight = symbols.lookup<llm::WeightOp>(name.getValue()))
          shape.weightBytes += static_cast<double>(weight.getBytes());
      });
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](llm::EmbedOp embed) {
          // A row of the table, not the table.
          shape.rowBytes += rowBytes(embed.getOut());
          shape.dims = {rowsOf(embed.getTable()), features(embed.getOut())};
          shape.weightBytes = 0;
        })
        .Case([&](llm::LinearOp linear) { fill(shape, linear); })
        .Case([&](llm::LinearGroupOp group) { fill(shape, group); })
        .Case([&](llm::RmsNormOp norm) {
          int64_t width = std::max<int64_t>(rowsOf(norm.getWeight()), 1);
          shape.dims = {features(norm.getIn()) / width, width};
        })
        .Case<llm::AddOp, llm::AddRmsNormOp>(
            [&](auto add) { shape.dims = {features(add.getA())}; })
        .Case([&](llm::AddNormRouteOp router) { fill(shape, router); })
        .Case([&](llm::AttentionOp attention) { fill(shape, attention); })
        .Case([&](llm::QkNormRopeWriteOp fused) {
          auto cache = symbols.lookup<llm::KvCacheOp>(fused.getCache());
          shape.dims = {features(fused.getQ()) / cache.getHeadDim(),
                        cache.getKvHeads(),
                        cache.getHeadDim(),
                        0,
                        cache.getPages(),
                        cache.getPageTokens(),
                        0,
                        0};
        })
        .Case<llm::RouteOp, llm::TopKOp>([&](auto choice) {
          shape.dims = {choice.getExperts(), choice.getTopK(),
                        choice.getNormalize() ? 1 : 0};
        })
        .Case([&](llm::SelectRowsOp select) {
          shape.dims = {features(select.getIn())};
        })
        .Case([&](llm::SwigluOp swiglu) {
          shape.dims = {features(swiglu.getGate())};
        })
        .Default([](Operation *) {});
    return shape;
  }

  void fill(OpShape &shape, llm::LinearOp linear) {
    const int64_t outputs = features(linear.getOut());
    shape.dims = {features(linear.getIn()), outputs};
    addProduct(shape, outputs);
    if (fitsMatrixUnits(linear.getIn(), outputs, linear.getWeightAttr(),
                        linear.getBiasAttr()))
      shape.tensorFrom = CompileOptions::kPortableRows + 1;
  }

  void fill(OpShape &shape, llm::LinearGroupOp group) {
    shape.dims = {features(group.getIn())};
    bool fits = true;
    for (auto [i, out] : llvm::enumerate(group.getOuts())) {
      shape.dims.push_back(features(out));
      addProduct(shape, features(out));
      fits = fits && fitsMatrixUnits(group.getIn(), features(out),
                                     group.getWeight(i), group.getBias(i));
    }
    shape.dims.resize(1 + kGroupMatrices, 0);
    if (fits)
      shape.tensorFrom = CompileOptions::kPortableRows + 1;
  }

  void fill(OpShape &shape, llm::AddNormRouteOp router) {
    const int64_t experts = router.getExperts();
    shape.dims = {features(router.getA()), experts, router.getTopK(),
                  router.getNormalize() ? 1 : 0};
    addProduct(shape, experts);
    if (fitsMatrixUnits(router.getA(), experts, router.getRouterWeightAttr(),
                        router.getNormWeightAttr()))
      shape.tensorFrom = CompileOptions::kPortableRows + 1;
  }

  /// The work of a matrix of so many outputs; dims[0] are its inputs.
  static void addProduct(OpShape &shape, int64_t outputs) {
    shape.rowFlops +=
        2.0 * static_cast<double>(shape.dims[0]) * static_cast<double>(outputs);
  }

  /// `other`: a bias or what else must have the matrix's type; may be null.
  bool fitsMatrixUnits(Value in, int64_t outputs, FlatSymbolRefAttr weight,
                       FlatSymbolRefAttr other) {
    auto isBf16 = [this](FlatSymbolRefAttr name) {
      auto found = symbols.lookup<llm::WeightOp>(name.getValue());
      return found && found.getTensorType().getElementType().isBF16();
    };
    return !portable &&
           cast<RankedTensorType>(in.getType()).getElementType().isBF16() &&
           isBf16(weight) && (!other || isBf16(other)) &&
           features(in) % 8 == 0 && outputs % 8 == 0;
  }

  void fill(OpShape &shape, llm::AttentionOp attention) {
    auto cache = symbols.lookup<llm::KvCacheOp>(attention.getCache());
    const int64_t headDim = cache.getHeadDim();
    const int64_t heads = features(attention.getQ()) / headDim;
    // What only says how much room there is is not compared.
    shape.dims = {heads,
                  cache.getKvHeads(),
                  headDim,
                  cache.getPages(),
                  cache.getPageTokens(),
                  0,
                  0,
                  0,
                  headDim + 2};
    const double element =
        cache.getTensorType().getElementType().getIntOrFloatBitWidth() / 8.0;
    shape.contextBytes =
        2 * element * static_cast<double>(cache.getKvHeads() * headDim);
    shape.contextFlops = 4.0 * static_cast<double>(heads * headDim);
  }

  int64_t rowsOf(StringRef weight) {
    auto op = symbols.lookup<llm::WeightOp>(weight);
    return op ? op.getTensorType().getDimSize(0) : 0;
  }

  SymbolTable symbols;
  bool portable;
};

} // namespace

ModelShape readModelShape(ModuleOp module, bool portable) {
  ModelShape model;
  if (auto decode = module.lookupSymbol<func::FuncOp>("decode");
      decode && llvm::hasSingleElement(decode.getBody()))
    model = Reader(module, portable).read(decode);
  for (auto facts : module.getOps<llm::ModelOp>())
    model.name = facts.getName().str();
  return model;
}

} // namespace sluice
