//===- launch.cpp - A launch against its kernel's signature ---------------===//

#include "runtime/plan/verify/entry.h"

#include <array>
#include <cmath>

namespace sluice::plan {
namespace {

std::string counted(size_t found, const char *what, size_t wanted) {
  return std::to_string(found) + " " + what + ", expected " +
         std::to_string(wanted);
}

} // namespace

Status EntryVerifier::verifyShape(const fb::Launch &launch,
                                  const Signature &signature) {
  if (launch.arithmetic() > fb::Arithmetic::MAX)
    return context.fail(where,
                        "arithmetic " +
                            expected(uint64_t(launch.arithmetic()), "0 or 1"));
  if (launch.rows() != fb::RowKind::Rows &&
      launch.rows() != fb::RowKind::LogitRows)
    return context.fail(where,
                        "rows " + expected(uint64_t(launch.rows()),
                                           "1 (rows) or 2 (logit rows)"));
  size_t operands = launch.operands()->size(), dims = launch.dims()->size();
  size_t scalars = launch.scalars() ? launch.scalars()->size() : 0;
  if (operands != signature.operands.size())
    return context.fail(
        where, counted(operands, "operands", signature.operands.size()));
  if (dims != signature.dims.size())
    return context.fail(where, counted(dims, "dims", signature.dims.size()));
  if (scalars != signature.scalars.size())
    return context.fail(where,
                        counted(scalars, "scalars", signature.scalars.size()));
  if (!isAligned<int64_t>(*launch.dims()))
    return context.fail(where, "dims at a crooked address, expected a multiple "
                               "of 8 bytes");
  for (size_t i = 0; i < scalars; ++i)
    if (!std::isfinite(launch.scalars()->Get(i)))
      return context.fail(where,
                          std::string(signature.scalars[i]) + " is not finite");
  if (const char *rule = checkDims(
          signature.kernel, {launch.dims()->data(), launch.dims()->size()}))
    return context.fail(where,
                        std::string("its dims break a rule, expected ") + rule);
  return Status::ok();
}

/// Dims that say how far a checked index reaches.
Status EntryVerifier::verifyModelDims(const fb::Launch &launch,
                                      const Signature &signature) {
  const fb::Model &model = *context.plan.model();
  struct Fact {
    const char *dim;
    int64_t value;
  };
  const Fact facts[] = {{"vocab", model.vocab()},
                        {"experts", model.experts()},
                        {"top_k", model.top_k()},
                        {"pages", model.pages()},
                        {"page_tokens", model.page_tokens()},
                        {"sequences", model.max_sequences()},
                        {"pages_per_sequence", model.pages_per_sequence()}};
  for (const Fact &fact : facts) {
    int64_t found = findDim(launch, signature, fact.dim);
    if (found >= 0 && found != fact.value)
      return context.fail(
          where,
          std::string(fact.dim) + " " +
              expected(found, "the model's " + std::to_string(fact.value)));
  }
  int64_t positions = findDim(launch, signature, "positions");
  if (positions >= 0 && positions < model.max_positions())
    return context.fail(
        where,
        "positions " +
            expected(positions, "at least the model's " +
                                    std::to_string(model.max_positions())));
  if (signature.kernel == Kernel::Attention) {
    constexpr int kScratch = 6;
    int64_t needed = (int64_t(model.max_positions()) + kAttentionSplit - 1) /
                     kAttentionSplit;
    int64_t splits = findDim(launch, signature, "splits");
    if (launch.operands()->Get(kScratch) != kNoBuffer && splits < needed)
      return context.fail(
          where,
          "splits " + expected(splits, "at least " + std::to_string(needed)));
  }
  // (row, rank) pairs are stored as i32.
  int64_t topK = findDim(launch, signature, "top_k");
  if (topK > 0 && mostRows(launch.rows()) > uint64_t(INT32_MAX / topK))
    return context.fail(where, "rows times top_k exceed 2^31");
  return Status::ok();
}

Status EntryVerifier::verifyOperand(const fb::Launch &launch,
                                    const Signature &signature, int index) {
  const Operand &operand = signature.operands[index];
  uint32_t bufferIndex = launch.operands()->Get(index);
  if (bufferIndex == kNoBuffer) {
    if (!isRequired(signature, index,
                    {launch.dims()->data(), launch.dims()->size()}))
      return Status::ok();
    return context.fail(where, std::string("operand ") + operand.name +
                                   " is missing, expected a buffer");
  }
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, operand.name, bufferIndex));
  const fb::Buffer &buffer = context.buffer(bufferIndex);
  std::string what =
      std::string(operand.name) + " (" + context.describe(bufferIndex) + ")";
  if (!allows(operand.type, toDType(buffer.dtype())))
    return context.fail(where, what + " is " +
                                   sluice::name(toDType(buffer.dtype())) +
                                   ", expected " + describe(operand.type));
  if (context.kind(bufferIndex) != fb::MemoryKind::Device)
    return context.fail(where,
                        what + " is in host memory, expected device memory");
  uint64_t bytes = 0;
  if (!operandBytes(signature, index, toDType(buffer.dtype()),
                    {launch.dims()->data(), launch.dims()->size()},
                    int64_t(mostRows(launch.rows())), entry.max_rows(), bytes))
    return context.fail(where, what + " has dims whose product overflows");
  if (bytes > buffer.bytes())
    return context.fail(where, what + " has " + std::to_string(buffer.bytes()) +
                                   " bytes, expected at least " +
                                   std::to_string(bytes));
  // Kernels ask for weights before what runs in front of them has ended.
  if (operand.type == TypeRule::Weight &&
      context.filled[bufferIndex] == Filled::No)
    return context.fail(where, what + " is not filled by the load entry, "
                                      "expected weights that nothing writes "
                                      "afterwards");
  if (operand.access != Access::Read)
    SLUICE_RETURN_IF_ERROR(checkWritable(bufferIndex));
  addAccess(bufferIndex, 0, bytes, operand.access);
  return verifyStandIn(bufferIndex, bytes, operand.access, what);
}

/// Of a buffer to which a join brings host memory: on some backends the launch
/// gets that memory itself.
Status EntryVerifier::verifyStandIn(uint32_t buffer, uint64_t bytes,
                                    Access access, const std::string &what) {
  const uint32_t source = standIns[buffer];
  if (source == kNoBuffer)
    return Status::ok();
  if (access != Access::Read)
    return checkNotStaged(buffer, what);
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "source", source));
  const uint64_t there = context.buffer(source).bytes();
  if (bytes > there)
    return context.fail(
        where, what + " stands for " + context.describe(source) + " of " +
                   std::to_string(there) + " bytes, expected at least " +
                   std::to_string(bytes));
  addAccess(source, 0, bytes, Access::Read);
  return Status::ok();
}

Status EntryVerifier::checkNotStaged(uint32_t buffer, const std::string &what) {
  if (standIns[buffer] == kNoBuffer)
    return Status::ok();
  return context.fail(where, what + " is where an expert.join brings results, "
                                    "expected launches alone to read it");
}

/// The matrix units take bf16 in multiples of 8.
Status EntryVerifier::verifyTensorClass(const fb::Launch &launch,
                                        const Signature &signature) {
  if (launch.arithmetic() != fb::Arithmetic::Tensor)
    return Status::ok();
  for (size_t i = 0; i < signature.operands.size(); ++i) {
    const Operand &operand = signature.operands[i];
    uint32_t buffer = launch.operands()->Get(i);
    bool matrix =
        operand.type == TypeRule::Activation ||
        operand.type == TypeRule::Weight ||
        (operand.type == TypeRule::Wide && operand.access == Access::Read);
    if (matrix && buffer != kNoBuffer &&
        context.buffer(buffer).dtype() != fb::DType::BF16)
      return context.fail(
          where, context.describe(buffer) + " is " +
                     fb::EnumNameDType(context.buffer(buffer).dtype()) +
                     ", expected BF16 for tensor arithmetic");
  }
  for (const char *dim : {"inputs", "outputs", "outputs0", "outputs1",
                          "outputs2", "hidden", "inner", "head_dim"})
    if (int64_t value = findDim(launch, signature, dim);
        value >= 0 && value % 8 != 0)
      return context.fail(
          where, std::string(dim) + " " +
                     expected(value, "a multiple of 8 for tensor arithmetic"));
  // The router's outputs; elsewhere they are no dim of a matrix.
  if (int64_t experts = findDim(launch, signature, "experts");
      signature.kernel == Kernel::AddNormRoute && experts % 8 != 0)
    return context.fail(
        where, "experts " +
                   expected(experts, "a multiple of 8 for tensor arithmetic"));
  return Status::ok();
}

Status EntryVerifier::verifyLaunch(const fb::Launch &launch) {
  if (isLoad)
    return context.fail(
        where, "a launch, expected only data movement in the load entry");
  const Signature *signature =
      findSignature(static_cast<Kernel>(launch.kernel()));
  if (!signature)
    return context.fail(
        where, "kernel " + expected(uint64_t(launch.kernel()),
                                    "below " + std::to_string(kKernelCount)));
  SLUICE_RETURN_IF_ERROR(verifyShape(launch, *signature));
  SLUICE_RETURN_IF_ERROR(verifyModelDims(launch, *signature));
  beginStep(HazardStep::Kind::Work);
  for (size_t i = 0; i < signature->operands.size(); ++i)
    SLUICE_RETURN_IF_ERROR(verifyOperand(launch, *signature, int(i)));

  const fb::Buffer *activation = nullptr;
  for (size_t i = 0; i < signature->operands.size(); ++i) {
    if (signature->operands[i].type != TypeRule::Activation ||
        launch.operands()->Get(i) == kNoBuffer)
      continue;
    const fb::Buffer &buffer = context.buffer(launch.operands()->Get(i));
    if (activation && activation->dtype() != buffer.dtype())
      return context.fail(
          where, std::string(signature->operands[i].name) + " (" +
                     context.describe(launch.operands()->Get(i)) + ") is " +
                     fb::EnumNameDType(buffer.dtype()) + ", expected " +
                     fb::EnumNameDType(activation->dtype()) +
                     " as the other activations of the launch");
    activation = &buffer;
  }
  SLUICE_RETURN_IF_ERROR(verifyTensorClass(launch, *signature));
  SLUICE_RETURN_IF_ERROR(origins.checkLaunch(launch, *signature, where));
  origins.applyLaunch(launch, *signature, current);
  return Status::ok();
}

} // namespace sluice::plan
