//===- declarations.cpp - A Qwen3-MoE's symbols ---------------------------===//

#include "models/qwen3_moe/declarations.h"

#include <algorithm>
#include <filesystem>

using namespace mlir;
using namespace sluice::frontend;

namespace sluice::models {
namespace {

class Declarations {
public:
  Declarations(OpBuilder &builder, const Qwen3MoeSource &source)
      : builder(builder), source(source) {}

  ModelSymbols declare() {
    const Qwen3MoeTensors &tensors = source.tensors;
    declareModel();
    declareFiles();
    ModelSymbols symbols;
    symbols.embedding = weight("embed_tokens", tensors.embedding);
    symbols.rope = declareRope();
    for (size_t i = 0; i < tensors.layers.size(); ++i)
      symbols.layers.push_back(declareLayer(i, tensors.layers[i]));
    symbols.finalNorm = weight("final_norm", tensors.finalNorm);
    // Tied embeddings: one weight, used twice.
    symbols.head = tensors.head == tensors.embedding
                       ? symbols.embedding
                       : weight("lm_head", tensors.head);
    return symbols;
  }

private:
  void declareModel() {
    const Qwen3MoeConfig &config = source.config;
    const Limits &limits = source.limits;
    bool sparse = llvm::is_contained(config.sparse, true);
    std::filesystem::path directory(source.checkpoint.directory);
    llm::ModelOp::create(
        builder, builder.getUnknownLoc(), directory.filename().string(),
        "Qwen3MoeForCausalLM", source.checkpoint.directory,
        describe(source.options, limits), source.tensors.parameters,
        config.layers, config.hidden, config.vocab, sparse ? config.experts : 0,
        sparse ? config.topK : 0, limits.batch, limits.maxSeq,
        CompileOptions::kPageTokens, limits.pages, limits.pagesPerSequence,
        config.stopTokens, activationType(builder, source.options));
  }

  void declareFiles() {
    for (auto [index, file] : llvm::enumerate(source.checkpoint.files)) {
      std::string symbol = "file" + std::to_string(index);
      llm::FileOp::create(builder, at(file.path), symbol, file.path,
                          static_cast<int64_t>(file.bytes),
                          static_cast<int64_t>(file.headerHash));
      files.push_back(reference(symbol));
    }
  }

  FlatSymbolRefAttr declareRope() {
    RopeFrequencies rope =
        computeRope(source.config.rope, source.config.headDim);
    llm::RopeTableOp::create(
        builder, at("rope"), "rope", rope.inverseFrequencies,
        llvm::APFloat(rope.attentionScale), source.limits.maxSeq);
    return reference("rope");
  }

  LayerSymbols declareLayer(size_t index, const LayerTensors &layer) {
    std::string prefix = "layer" + std::to_string(index) + ".";
    auto optional = [&](const char *name, const CheckpointTensor *tensor) {
      return tensor ? weight(prefix + name, tensor) : FlatSymbolRefAttr();
    };
    LayerSymbols symbols;
    symbols.inputNorm = optional("input_norm", layer.inputNorm);
    symbols.q = optional("q", layer.q);
    symbols.k = optional("k", layer.k);
    symbols.v = optional("v", layer.v);
    symbols.o = optional("o", layer.o);
    symbols.qBias = optional("q_bias", layer.qBias);
    symbols.kBias = optional("k_bias", layer.kBias);
    symbols.vBias = optional("v_bias", layer.vBias);
    symbols.oBias = optional("o_bias", layer.oBias);
    symbols.qNorm = optional("q_norm", layer.qNorm);
    symbols.kNorm = optional("k_norm", layer.kNorm);
    symbols.postNorm = optional("post_norm", layer.postAttentionNorm);
    symbols.router = optional("router", layer.router);
    symbols.gate = optional("gate", layer.gate);
    symbols.up = optional("up", layer.up);
    symbols.down = optional("down", layer.down);
    if (source.config.sparse[index])
      symbols.bank = declareBank(index, prefix + "experts", layer.bank);
    symbols.cache = declareCache(index, prefix + "kv");
    return symbols;
  }

  FlatSymbolRefAttr declareBank(int64_t layer, const std::string &symbol,
                                const ExpertBank &bank) {
    SmallVector<int32_t> fileOf;
    SmallVector<int64_t> offsets;
    // Only files in use, in order of their first use.
    SmallVector<Attribute> used;
    SmallVector<int32_t> local(files.size(), -1);
    for (const ExpertRanges &expert : bank.experts)
      for (const FileRange *range : {&expert.gate, &expert.up, &expert.down}) {
        int32_t &position = local[range->file];
        if (position < 0) {
          position = static_cast<int32_t>(used.size());
          used.push_back(files[range->file]);
        }
        fileOf.push_back(position);
        offsets.push_back(static_cast<int64_t>(range->offset));
      }
    llm::ExpertBankOp::create(builder, at(bank.tensor), symbol, bank.tensor,
                              layer, static_cast<int64_t>(bank.experts.size()),
                              source.config.hidden, source.config.expertInner,
                              elementType(bank.dtype),
                              builder.getArrayAttr(used), fileOf, offsets);
    return reference(symbol);
  }

  FlatSymbolRefAttr declareCache(int64_t layer, const std::string &symbol) {
    auto type =
        RankedTensorType::get({source.limits.pages, CompileOptions::kPageTokens,
                               source.config.kvHeads, source.config.headDim},
                              activationType(builder, source.options));
    llm::KvCacheOp::create(builder, at(symbol), symbol, layer, type);
    return reference(symbol);
  }

  FlatSymbolRefAttr weight(const std::string &symbol,
                           const CheckpointTensor *tensor) {
    auto type =
        RankedTensorType::get(tensor->shape, elementType(tensor->dtype));
    llm::WeightOp::create(builder, at(tensor->name), symbol, tensor->name,
                          files[tensor->file].getValue(),
                          static_cast<int64_t>(tensor->offset),
                          static_cast<int64_t>(tensor->bytes), type);
    return reference(symbol);
  }

  /// The frontend lets only these three through.
  Type elementType(StorageType type) {
    return type == StorageType::BF16  ? Type(builder.getBF16Type())
           : type == StorageType::F16 ? Type(builder.getF16Type())
                                      : Type(builder.getF32Type());
  }

  FlatSymbolRefAttr reference(StringRef symbol) {
    return FlatSymbolRefAttr::get(builder.getContext(), symbol);
  }
  Location at(StringRef name) {
    return NameLoc::get(builder.getStringAttr(name));
  }

  OpBuilder &builder;
  const Qwen3MoeSource &source;
  SmallVector<FlatSymbolRefAttr> files;
};

} // namespace

Type activationType(Builder &builder, const CompileOptions &options) {
  return options.activations == DType::F32 ? Type(builder.getF32Type())
                                           : Type(builder.getBF16Type());
}

ModelSymbols declareQwen3Moe(OpBuilder &builder, const Qwen3MoeSource &source) {
  return Declarations(builder, source).declare();
}

} // namespace sluice::models
