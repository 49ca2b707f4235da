//===- indices.h - Where the numbers that index memory come from *- C++ -*-===//
//
// Kernels use some operands as indices: a token picks a row of the embedding
// table, a page number a place in the cache. What such an operand holds is
// known only at run time, so the verifier proves where it came from:
//
//  - tokens, positions, sequences, the page table and logit row ids are copies
//    of the input ports, which the executor checks before every step;
//  - expert ids are results of route or top_k, which are always in range, or
//    copies of them;
//  - offsets and order are results of one expert_demand over such ids;
//  - slots are a constant, whose values are known.
//
// Buffers are followed in the order of the instructions. That this order is the
// one in which they touch memory, and that no other buffer writes in between,
// is what the hazard check proves beside it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/signatures.h"
#include "runtime/plan/verify/context.h"

#include <span>

namespace sluice::plan {

/// What is known of a buffer's contents.
struct Origin {
  enum class Kind : uint8_t { Unknown, Port, ExpertIds, Offsets, Order };
  Kind kind = Kind::Unknown;
  fb::Role role = fb::Role::Tokens; ///< Of Port.
  fb::RowKind rows = fb::RowKind::Fixed;
  int64_t experts = 0;      ///< Of the kinds about experts.
  int64_t topK = 0;         ///< Of the kinds about experts.
  uint32_t instruction = 0; ///< Who wrote it.
};

class IndexOrigins {
public:
  explicit IndexOrigins(const Context &context)
      : context(context), origins(context.bufferCount()) {}

  /// After instruction `instruction` wrote `buffer`.
  void set(uint32_t buffer, Origin origin) { origins[buffer] = origin; }

  const Origin &get(uint32_t buffer) const { return origins[buffer]; }

  /// Fails when `launch` uses as an index what might be out of range.
  Status checkLaunch(const fb::Launch &launch, const Signature &signature,
                     const std::string &where) const;
  /// Remembers what `launch` writes.
  void applyLaunch(const fb::Launch &launch, const Signature &signature,
                   uint32_t instruction);

private:
  Status checkOperand(const fb::Launch &launch, const Signature &signature,
                      int operand, const std::string &where) const;
  Status checkSlots(const fb::Launch &launch, const Signature &signature,
                    uint32_t buffer, const std::string &where) const;

  const Context &context;
  std::vector<Origin> origins;
};

/// The value of the dim with this name, or -1 when the kernel has none.
int64_t findDim(const fb::Launch &launch, const Signature &signature,
                std::string_view name);

} // namespace sluice::plan
