//===- qwen3_moe.cpp - Qwen3-MoE as llm IR --------------------------------===//
//
// The model's graph, as transformers' qwen3_moe has it: pre-norm attention with
// per-head q and k norms, then experts or a dense MLP.
//
//===----------------------------------------------------------------------===//

#include "models/qwen3_moe/qwen3_moe.h"

#include "models/qwen3_moe/declarations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;

namespace sluice::models {
namespace {

/// Builds one entry point.
class EntryBuilder {
public:
  EntryBuilder(OpBuilder &builder, const Qwen3MoeSource &source,
               const ModelSymbols &symbols)
      : builder(builder), source(source), symbols(symbols),
        activation(activationType(builder, source.options)) {}

  void build(StringRef name, int64_t maxRows) {
    func::FuncOp entry = declare(name, maxRows);
    OpBuilder::InsertionGuard guard(builder);
    Block *body = entry.addEntryBlock();
    builder.setInsertionPointToStart(body);
    tokens = body->getArgument(0);
    positions = body->getArgument(1);
    sequences = body->getArgument(2);
    pageTable = body->getArgument(3);
    Value logitRows = body->getArgument(4);

    Value hidden = llm::EmbedOp::create(builder, at("embed"), rows(width()),
                                        tokens, symbols.embedding);
    SmallVector<Value> outputs(1);
    for (size_t i = 0; i < symbols.layers.size(); ++i)
      hidden = layer(i, hidden, outputs);
    // Only the rows whose logits are wanted go on.
    hidden = llm::SelectRowsOp::create(builder, at("logit_rows"),
                                       hidden.getType(), hidden, logitRows);
    hidden = norm("final_norm", hidden, symbols.finalNorm);
    outputs[0] = linear("logits", hidden, symbols.head, {}, source.config.vocab,
                        builder.getF32Type());
    func::ReturnOp::create(builder, at("return"), outputs);
    setResults(entry, outputs);
  }

private:
  /// The function with its arguments; results are known after the body.
  func::FuncOp declare(StringRef name, int64_t maxRows) {
    Type integers =
        RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
    Type table = RankedTensorType::get(
        {source.limits.batch, source.limits.pagesPerSequence},
        builder.getI32Type());
    auto entry = func::FuncOp::create(
        builder, at(name), name,
        builder.getFunctionType({integers, integers, integers, table, integers},
                                {}));
    for (int i = 0; i < llm::kInputRoles; ++i)
      entry.setArgAttr(i, llm::kRole, builder.getStringAttr(llm::kRoles[i]));
    entry->setAttr(llm::kMaxRows, builder.getI64IntegerAttr(maxRows));
    entry->setAttr(llm::kMaxLogitRows,
                   builder.getI64IntegerAttr(source.limits.batch));
    return entry;
  }

  /// Logits first, then ids and weights of each sparse layer.
  void setResults(func::FuncOp entry, ArrayRef<Value> outputs) {
    entry.setFunctionType(builder.getFunctionType(
        entry.getArgumentTypes(), ValueRange(outputs).getTypes()));
    entry.setResultAttr(0, llm::kRole, builder.getStringAttr("logits"));
    for (auto [i, layer] : llvm::enumerate(routedLayers)) {
      setRouting(entry, 1 + 2 * i, "expert_ids", layer);
      setRouting(entry, 2 + 2 * i, "expert_weights", layer);
    }
  }

  void setRouting(func::FuncOp entry, unsigned result, StringRef role,
                  int64_t layer) {
    entry.setResultAttr(result, llm::kRole, builder.getStringAttr(role));
    entry.setResultAttr(result, llm::kLayer, builder.getI64IntegerAttr(layer));
  }

  Value layer(size_t index, Value hidden, SmallVectorImpl<Value> &outputs) {
    prefix = "layer" + std::to_string(index) + ".";
    const LayerSymbols &weights = symbols.layers[index];
    Value normed = norm("input_norm", hidden, weights.inputNorm);
    hidden = add("attention_residual", hidden, attention(weights, normed));
    normed = norm("post_norm", hidden, weights.postNorm);
    Value mlp = weights.bank ? experts(index, weights, normed, outputs)
                             : dense(weights, normed);
    hidden = add("mlp_residual", hidden, mlp);
    prefix.clear();
    return hidden;
  }

  Value attention(const LayerSymbols &weights, Value in) {
    const frontend::Qwen3MoeConfig &config = source.config;
    int64_t heads = config.heads * config.headDim;
    int64_t kvHeads = config.kvHeads * config.headDim;
    Value q = linear("q", in, weights.q, weights.qBias, heads, activation);
    Value k = linear("k", in, weights.k, weights.kBias, kvHeads, activation);
    Value v = linear("v", in, weights.v, weights.vBias, kvHeads, activation);
    q = rope("q_rope", norm("q_norm", q, weights.qNorm));
    k = rope("k_rope", norm("k_norm", k, weights.kNorm));
    llm::KvWriteOp::create(builder, at("kv_write"), k, v, positions, sequences,
                           pageTable, weights.cache);
    auto scale = static_cast<float>(
        1.0 / std::sqrt(static_cast<double>(config.headDim)));
    Value mixed = llm::AttentionOp::create(
        builder, at("attention"), q.getType(), q, positions, sequences,
        pageTable, weights.cache, builder.getF32FloatAttr(scale));
    return linear("o", mixed, weights.o, weights.oBias, width(), activation);
  }

  Value experts(size_t index, const LayerSymbols &weights, Value in,
                SmallVectorImpl<Value> &outputs) {
    int64_t topK = source.config.topK;
    Value logits = linear("router", in, weights.router, {},
                          source.config.experts, builder.getF32Type());
    Value probabilities = llm::SoftmaxOp::create(builder, at("router_softmax"),
                                                 logits.getType(), logits);
    auto ids = RankedTensorType::get({ShapedType::kDynamic, topK},
                                     builder.getI32Type());
    auto chosen = llm::TopKOp::create(
        builder, at("router_top_k"), ids, ids.clone(builder.getF32Type()),
        probabilities, source.config.normalizeTopK);
    outputs.append({chosen.getIds(), chosen.getWeights()});
    routedLayers.push_back(index);
    return llm::ExpertsOp::create(builder, at("experts"), in.getType(), in,
                                  chosen.getIds(), chosen.getWeights(),
                                  weights.bank);
  }

  Value dense(const LayerSymbols &weights, Value in) {
    int64_t inner = source.config.denseInner;
    Value gate = linear("gate", in, weights.gate, {}, inner, activation);
    Value up = linear("up", in, weights.up, {}, inner, activation);
    Value mixed =
        llm::SwigluOp::create(builder, at("swiglu"), gate.getType(), gate, up);
    return linear("down", mixed, weights.down, {}, width(), activation);
  }

  Value linear(StringRef name, Value in, FlatSymbolRefAttr weight,
               FlatSymbolRefAttr bias, int64_t outputs, Type element) {
    return llm::LinearOp::create(builder, at(name), rows(outputs, element), in,
                                 weight, bias);
  }
  Value norm(StringRef name, Value in, FlatSymbolRefAttr weight) {
    return llm::RmsNormOp::create(
        builder, at(name), in.getType(), in, weight,
        builder.getF32FloatAttr(source.config.rmsNormEps));
  }
  Value rope(StringRef name, Value in) {
    return llm::RopeOp::create(builder, at(name), in.getType(), in, positions,
                               symbols.rope);
  }
  Value add(StringRef name, Value a, Value b) {
    return llm::AddOp::create(builder, at(name), a.getType(), a, b);
  }

  int64_t width() const { return source.config.hidden; }
  RankedTensorType rows(int64_t features, Type element = {}) {
    return RankedTensorType::get({ShapedType::kDynamic, features},
                                 element ? element : activation);
  }
  /// Ops carry their place in the model, which later names their buffers.
  Location at(StringRef name) {
    return NameLoc::get(builder.getStringAttr(prefix + name));
  }

  OpBuilder &builder;
  const Qwen3MoeSource &source;
  const ModelSymbols &symbols;
  Type activation;
  Value tokens, positions, sequences, pageTable;
  std::string prefix;
  SmallVector<int64_t> routedLayers;
};

} // namespace

Result<OwningOpRef<ModuleOp>>
buildQwen3Moe(MLIRContext &context, const frontend::Checkpoint &checkpoint,
              const frontend::Qwen3MoeConfig &config,
              const frontend::Qwen3MoeTensors &tensors,
              const CompileOptions &options) {
  context.loadDialect<func::FuncDialect, llm::LlmDialect>();
  SLUICE_ASSIGN_OR_RETURN(Limits limits,
                          resolveLimits(options, config.maxPositions));
  Qwen3MoeSource source{checkpoint, config, tensors, options, limits};
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(builder, builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  ModelSymbols symbols = declareQwen3Moe(builder, source);
  EntryBuilder(builder, source, symbols).build("prefill", limits.prefillRows);
  EntryBuilder(builder, source, symbols).build("decode", limits.batch);

  std::string complaint;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (complaint.empty())
      complaint = diagnostic.str();
    return success();
  });
  if (failed(verify(*module)))
    return Status(ErrorCode::Corrupt, checkpoint.directory + ": " + complaint);
  return module;
}

} // namespace sluice::models
