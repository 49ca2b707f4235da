//===- tiny_parts.h - What the parts of the tiny model share ----*- C++ -*-===//
//
// Only for tiny_model.cpp and tiny_experts.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "tests/runtime/plan/tiny_model.h"

namespace sluice::testing {

/// Weights, cache and experts of one layer. Of the first, names have no number.
struct TinyLayer {
  std::string suffix;
  uint32_t norm1, wq, wk, wv, qNorm, kNorm, wo, norm2, router;
  uint32_t kCache, vCache;
  uint32_t pool = kNone, slots = kNone; ///< Where all experts are in slots.
};

/// Buffers that all entries share.
struct TinyShared {
  uint32_t io, workspace, tables;
  uint32_t embedding, norm3, head, cos, sin;
  std::vector<TinyLayer> layers;
};

/// What the router of a layer has left on the device.
struct Routed {
  uint32_t hidden;  ///< [rows, hidden], what the experts read.
  uint32_t ids;     ///< i32 [rows, top_k]
  uint32_t weights; ///< f32 [rows, top_k]
};

/// What the experts of a layer computed, for expert_combine.
struct ExpertOutputs {
  uint32_t values;                    ///< f32 [rows, top_k, hidden]
  uint32_t results = plan::kNoBuffer; ///< The CPU's, of the same shape,
  uint32_t shares = plan::kNoBuffer;  ///< i32 [rows, top_k], if it has any.
};

/// One entry being written, and how its buffers are named.
struct EntryPart {
  PlanWriter &writer;
  EntryWriter &entry;
  const TinyModel &model;
  const TinyShared &shared;
  std::string name;
  uint32_t maxRows;

  uint32_t buffer(const std::string &what, fb::DType type,
                  uint64_t elements) const {
    return writer.buffer(shared.workspace, name + "." + what, type, elements);
  }
  uint32_t host(const std::string &what, fb::DType type,
                uint64_t elements) const {
    return writer.buffer(shared.io, name + "." + what, type, elements);
  }
};

/// Puts the checkpoint's next experts, one layer, into one source. Expert e has
/// gate, up and down at e * slotBytes + the given bytes.
std::vector<fb::Range> expertRanges(PlanWriter &writer, const TinyModel &m,
                                    uint64_t slotBytes,
                                    const uint64_t (&offsets)[3]);

/// Pool and slots of every layer: slot e + 1 holds expert e, slot 0 is not
/// used.
void addStaticExperts(PlanWriter &writer, const TinyModel &m, TinyShared &s);
/// Launches them.
ExpertOutputs runStaticExperts(const EntryPart &part, uint32_t layer,
                               const Routed &routed);

/// One pool for all layers, and a bank a layer.
void addDynamicExperts(PlanWriter &writer, const TinyModel &m,
                       const TinyExperts &experts);
/// Demands, moves and runs them.
ExpertOutputs runDynamicExperts(const EntryPart &part,
                                const TinyExperts &experts, uint32_t layer,
                                const Routed &routed);

} // namespace sluice::testing
