//===- signatures.h - Operands of every kernel ------------------*- C++ -*-===//
//
// One table says, for each kernel, what its operands are, which of them it
// writes, their element types and shapes. The compiler's verifiers, the plan's
// verifier and sluice-dump all read it, so that no two of them can disagree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

#include <span>
#include <string_view>

namespace sluice {

/// What an operand's element type may be.
enum class TypeRule : uint8_t {
  Activation, ///< bf16 or f32; the same for all such operands of a launch.
  Weight,     ///< bf16, f16 or f32.
  Wide,       ///< bf16 or f32, free of the other operands.
  F32,
  I32,
};

/// Whether an operand of this rule may have elements of `type`.
bool allows(TypeRule rule, DType type);
/// What the rule asks for, as words of an error: "bf16 or f32".
const char *describe(TypeRule rule);

enum class Access : uint8_t { Read, Write, ReadWrite };

/// One factor of an operand's shape: a named dim of the signature, the launch's
/// rows, or the most rows of the entry point.
struct Factor {
  enum Kind : uint8_t { None, Dim, Rows, MaxRows } kind = None;
  uint8_t dim = 0;     ///< Index into Signature::dims, for Kind::Dim.
  uint8_t divisor = 1; ///< The factor is dim / divisor + extra (rope tables
  uint8_t extra = 0;   ///< hold half a head; demand offsets one more).
};

struct Operand {
  const char *name = nullptr;
  Access access = Access::Read;
  TypeRule type = TypeRule::F32;
  bool optional = false;
  Factor shape[5] = {};
};

struct Signature {
  Kernel kernel;
  const char *name; ///< The mnemonic: op, cpu/<name>.cpp and cuda/<name>.cu.
  std::span<const Operand> operands;
  std::span<const char *const> dims;
  std::span<const char *const> scalars;
};

/// The signature of `kernel`, or null when the value is none of the enum's.
const Signature *findSignature(Kernel kernel);
/// The signature with this mnemonic, or null.
const Signature *findSignature(std::string_view mnemonic);

/// Bytes operand `index` needs when the launch runs with `rows` rows of an
/// entry point of `maxRows`. False when a dim is negative or the product
/// overflows.
bool operandBytes(const Signature &signature, int index, DType type,
                  std::span<const int64_t> dims, int64_t rows, int64_t maxRows,
                  uint64_t &bytes);

/// Whether a launch with these dims must have operand `index`: all but optional
/// ones, and of those the ones that its dims ask for (the third matrix of a
/// linear_group). `dims` are as many as the signature's.
bool isRequired(const Signature &signature, int index,
                std::span<const int64_t> dims);

/// Rules between dims that shapes cannot say (a divisor that is not zero, query
/// heads a multiple of key heads, top_k at most experts). Null when they hold,
/// else a sentence of what was expected.
const char *checkDims(Kernel kernel, std::span<const int64_t> dims);

} // namespace sluice
