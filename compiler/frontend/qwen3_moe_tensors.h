//===- qwen3_moe_tensors.h - Which tensor plays which role ------*- C++ -*-===//
#pragma once

#include "compiler/frontend/checkpoint.h"
#include "compiler/frontend/qwen3_moe_config.h"
#include "runtime/core/status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::frontend {

/// A byte range of a file of the checkpoint.
struct FileRange {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

/// The weights of one expert. gate and up: [expertInner, hidden]; down:
/// [hidden, expertInner]; row-major.
struct ExpertRanges {
  FileRange gate, up, down;
};

/// All experts of one layer, of one dtype.
struct ExpertBank {
  StorageType dtype = StorageType::BF16;
  std::vector<ExpertRanges> experts; ///< By expert id.
  /// The tensor that names the bank in messages: its name up to and with
  /// "mlp.experts".
  std::string tensor;
};

/// One decoder layer. Pointers are into Checkpoint::tensors; null where the
/// configuration has no such tensor. Shapes ([out, in], row-major):
struct LayerTensors {
  const CheckpointTensor *inputNorm = nullptr;         ///< [hidden]
  const CheckpointTensor *postAttentionNorm = nullptr; ///< [hidden]
  const CheckpointTensor *q = nullptr;     ///< [heads * headDim, hidden]
  const CheckpointTensor *k = nullptr;     ///< [kvHeads * headDim, hidden]
  const CheckpointTensor *v = nullptr;     ///< [kvHeads * headDim, hidden]
  const CheckpointTensor *o = nullptr;     ///< [hidden, heads * headDim]
  const CheckpointTensor *qBias = nullptr; ///< Only with attention_bias.
  const CheckpointTensor *kBias = nullptr;
  const CheckpointTensor *vBias = nullptr;
  const CheckpointTensor *oBias = nullptr;
  const CheckpointTensor *qNorm = nullptr;  ///< [headDim]
  const CheckpointTensor *kNorm = nullptr;  ///< [headDim]
  const CheckpointTensor *router = nullptr; ///< [experts, hidden]; sparse only
  const CheckpointTensor *gate = nullptr; ///< [denseInner, hidden]; dense only
  const CheckpointTensor *up = nullptr;   ///< [denseInner, hidden]
  const CheckpointTensor *down = nullptr; ///< [hidden, denseInner]
  ExpertBank bank;                        ///< Empty in dense layers.
};

/// Every tensor of a checkpoint by its role. Refers to the checkpoint, which
/// must outlive it and stay where it is.
struct Qwen3MoeTensors {
  /// Every tensor is used exactly once or named in the error, and each has the
  /// shape the configuration asks for and a dtype of BF16, F16 or F32. The one
  /// exception: a checkpoint with tied embeddings may hold lm_head.weight as
  /// well (transformers ignores it too); it is listed in `ignored`.
  static Result<Qwen3MoeTensors> bind(const Checkpoint &checkpoint,
                                      const Qwen3MoeConfig &config);

  const CheckpointTensor *embedding = nullptr; ///< [vocab, hidden]
  const CheckpointTensor *finalNorm = nullptr; ///< [hidden]
  /// [vocab, hidden]; the embedding itself when embeddings are tied.
  const CheckpointTensor *head = nullptr;
  std::vector<LayerTensors> layers;
  std::vector<const CheckpointTensor *> ignored;
  uint64_t parameters = 0; ///< Elements of all tensors in use.
};

} // namespace sluice::frontend
