//===- indices.cpp - Where the numbers that index memory come from --------===//

#include "runtime/plan/verify/indices.h"

#include <optional>

namespace sluice::plan {
namespace {

/// The input port whose copy an operand of this name must be.
std::optional<fb::Role> portOf(std::string_view operand) {
  if (operand == "tokens")
    return fb::Role::Tokens;
  if (operand == "position")
    return fb::Role::Positions;
  if (operand == "sequence")
    return fb::Role::Sequences;
  if (operand == "page_table")
    return fb::Role::PageTable;
  if (operand == "row")
    return fb::Role::LogitRowIds;
  return std::nullopt;
}

} // namespace

int64_t findDim(const fb::Launch &launch, const Signature &signature,
                std::string_view name) {
  for (size_t i = 0; i < signature.dims.size(); ++i)
    if (name == signature.dims[i])
      return launch.dims()->Get(i);
  return -1;
}

Status IndexOrigins::checkSlots(const fb::Launch &launch,
                                const Signature &signature, uint32_t buffer,
                                const std::string &where) const {
  const ConstantFacts &facts = context.constants[buffer];
  int64_t experts = findDim(launch, signature, "experts");
  int64_t slots = findDim(launch, signature, "slots");
  if (context.filled[buffer] != Filled::Constant ||
      facts.count < uint64_t(experts))
    return context.fail(
        where, context.describe(buffer) + " holds " +
                   std::to_string(facts.count) +
                   " constant slot numbers, expected one for each of " +
                   std::to_string(experts) + " experts");
  if (facts.smallest < 0 || facts.largest >= slots)
    return context.fail(where, context.describe(buffer) + " names the slots " +
                                   std::to_string(facts.smallest) + " to " +
                                   std::to_string(facts.largest) +
                                   ", expected 0 to " +
                                   std::to_string(slots - 1));
  return Status::ok();
}

Status IndexOrigins::checkOperand(const fb::Launch &launch,
                                  const Signature &signature, int operand,
                                  const std::string &where) const {
  std::string_view name = signature.operands[operand].name;
  uint32_t buffer = launch.operands()->Get(operand);
  if (name == "slots")
    return checkSlots(launch, signature, buffer, where);
  // Compared with a column and nothing else: any number will do.
  if (name == "shares")
    return Status::ok();

  const Origin &origin = origins[buffer];
  auto fail = [&](const std::string &expectation) {
    return context.fail(where,
                        context.describe(buffer) + " as " + std::string(name) +
                            " comes from elsewhere, expected " + expectation);
  };
  if (auto role = portOf(name)) {
    fb::RowKind rows =
        role == fb::Role::PageTable ? fb::RowKind::Fixed : launch.rows();
    if (origin.kind != Origin::Kind::Port || origin.role != role ||
        origin.rows != rows)
      return fail(std::string("a copy of the input ") +
                  fb::EnumNameRole(*role));
    return Status::ok();
  }

  int64_t experts = findDim(launch, signature, "experts");
  int64_t topK = findDim(launch, signature, "top_k");
  bool fits = origin.rows == launch.rows() && origin.experts == experts &&
              origin.topK == topK;
  if (name == "ids")
    return origin.kind == Origin::Kind::ExpertIds && fits
               ? Status::ok()
               : fail("the ids of a route or top_k over the same rows and "
                      "experts");
  if (name == "offsets")
    return origin.kind == Origin::Kind::Offsets && fits
               ? Status::ok()
               : fail("the offsets of an expert_demand over the same rows and "
                      "experts");
  if (name == "order") {
    // offsets is the operand before order in every signature that has both.
    const Origin &offsets = origins[launch.operands()->Get(operand - 1)];
    return origin.kind == Origin::Kind::Order && fits &&
                   origin.instruction == offsets.instruction
               ? Status::ok()
               : fail("the order of the expert_demand that gave the offsets");
  }
  return fail("no operand of a name the verifier has no rule for");
}

Status IndexOrigins::checkLaunch(const fb::Launch &launch,
                                 const Signature &signature,
                                 const std::string &where) const {
  for (size_t i = 0; i < signature.operands.size(); ++i)
    if (signature.operands[i].type == TypeRule::I32 &&
        signature.operands[i].access == Access::Read)
      SLUICE_RETURN_IF_ERROR(checkOperand(launch, signature, int(i), where));
  return Status::ok();
}

void IndexOrigins::applyLaunch(const fb::Launch &launch,
                               const Signature &signature,
                               uint32_t instruction) {
  for (size_t i = 0; i < signature.operands.size(); ++i) {
    const Operand &operand = signature.operands[i];
    uint32_t buffer = launch.operands()->Get(i);
    if (operand.access == Access::Read || buffer == kNoBuffer)
      continue;
    Origin origin;
    origin.rows = launch.rows();
    origin.instruction = instruction;
    origin.experts = findDim(launch, signature, "experts");
    origin.topK = findDim(launch, signature, "top_k");
    std::string_view name = operand.name;
    if (operand.type == TypeRule::I32)
      origin.kind = name == "ids"       ? Origin::Kind::ExpertIds
                    : name == "offsets" ? Origin::Kind::Offsets
                    : name == "order"   ? Origin::Kind::Order
                                        : Origin::Kind::Unknown;
    set(buffer, origin);
  }
}

} // namespace sluice::plan
