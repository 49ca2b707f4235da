//===- step_inputs.cpp - Checks what a step is asked to read --------------===//

#include "runtime/executor/step_inputs.h"

#include <cstring>
#include <string>

namespace sluice {
namespace {

namespace fb = plan::fb;

Status outOfRange(const BoundEntry &entry, const std::string &what,
                  int64_t found, int64_t least, int64_t most) {
  return Status(ErrorCode::InvalidArgument,
                entry.entry->name()->str() + ": " + what + " " +
                    std::to_string(found) + ", expected " +
                    std::to_string(least) + " to " + std::to_string(most));
}

/// The first `count` values of the input must be in 0 .. limit-1.
Status checkIds(const BoundEntry &entry, fb::Role role, const char *what,
                uint64_t count, uint32_t limit) {
  const auto *ids = reinterpret_cast<const int32_t *>(
      BoundEntry::find(entry.inputs, role, 0).data());
  for (uint64_t i = 0; i < count; ++i)
    // Negative values are large ones here.
    if (uint32_t(ids[i]) >= limit)
      return outOfRange(entry, what + (" " + std::to_string(i)) + " is", ids[i],
                        0, int64_t(limit) - 1);
  return Status::ok();
}

} // namespace

Status checkStepInputs(const BoundEntry &entry, const fb::Model &model,
                       const StepSize &size) {
  const fb::Entry &limits = *entry.entry;
  if (size.rows == 0 || size.rows > limits.max_rows())
    return outOfRange(entry, "rows", size.rows, 1, limits.max_rows());
  if (size.logitRows > limits.max_logit_rows())
    return outOfRange(entry, "logit rows", size.logitRows, 0,
                      limits.max_logit_rows());
  SLUICE_RETURN_IF_ERROR(
      checkIds(entry, fb::Role::Tokens, "token", size.rows, model.vocab()));
  SLUICE_RETURN_IF_ERROR(checkIds(entry, fb::Role::Positions, "position",
                                  size.rows, model.max_positions()));
  SLUICE_RETURN_IF_ERROR(checkIds(entry, fb::Role::Sequences, "sequence",
                                  size.rows, model.max_sequences()));
  SLUICE_RETURN_IF_ERROR(
      checkIds(entry, fb::Role::PageTable, "page table entry",
               uint64_t(model.max_sequences()) * model.pages_per_sequence(),
               model.pages()));
  return checkIds(entry, fb::Role::LogitRowIds, "logit row", size.logitRows,
                  size.rows);
}

} // namespace sluice
