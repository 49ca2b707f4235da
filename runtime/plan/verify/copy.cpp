//===- copy.cpp - Copies and fetches --------------------------------------===//

#include "runtime/plan/verify/entry.h"

namespace sluice::plan {
namespace {

/// How an input port must be copied for its numbers to count as checked: as
/// many as the executor checks.
bool copiesWhole(const fb::Copy &copy, fb::Role role, const fb::Model &model) {
  switch (role) {
  case fb::Role::Tokens:
  case fb::Role::Positions:
  case fb::Role::Sequences:
    return copy.rows() == fb::RowKind::Rows && copy.bytes() == sizeof(int32_t);
  case fb::Role::LogitRowIds:
    return copy.rows() == fb::RowKind::LogitRows &&
           copy.bytes() == sizeof(int32_t);
  case fb::Role::PageTable:
    return copy.rows() == fb::RowKind::Fixed &&
           copy.bytes() == uint64_t(model.max_sequences()) *
                               model.pages_per_sequence() * sizeof(int32_t);
  default:
    return false;
  }
}

} // namespace

Status EntryVerifier::verifyCopy(const fb::Copy &copy) {
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "source", copy.source()));
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "target", copy.target()));
  if (copy.rows() > fb::RowKind::MAX ||
      (isLoad && copy.rows() != fb::RowKind::Fixed))
    return context.fail(
        where, "rows " + expected(uint64_t(copy.rows()),
                                  isLoad ? "0 in the load entry" : "0 to 2"));
  const fb::Buffer &source = context.buffer(copy.source());
  const fb::Buffer &target = context.buffer(copy.target());
  bool toDevice = context.kind(copy.target()) == fb::MemoryKind::Device;
  if (context.kind(copy.source()) == context.kind(copy.target()))
    return context.fail(where, context.describe(copy.source()) + " and " +
                                   context.describe(copy.target()) +
                                   " are both in " +
                                   (toDevice ? "device" : "host") +
                                   " memory, expected one in each");
  if (copy.recording() && (isLoad || toDevice))
    return context.fail(
        where, "a recording copy into device memory or in the load entry, "
               "expected device to host in a step");
  if (source.dtype() != target.dtype())
    return context.fail(where, std::string("from ") +
                                   fb::EnumNameDType(source.dtype()) + " to " +
                                   fb::EnumNameDType(target.dtype()) +
                                   ", expected one type");
  uint64_t bytes = 0;
  if (!multiply(copy.bytes(), mostRows(copy.rows()), bytes) || bytes == 0 ||
      bytes > source.bytes() || bytes > target.bytes())
    return context.fail(where, std::to_string(copy.bytes()) + " bytes times " +
                                   std::to_string(mostRows(copy.rows())) +
                                   " from " + context.describe(copy.source()) +
                                   " of " + std::to_string(source.bytes()) +
                                   " to " + context.describe(copy.target()) +
                                   " of " + std::to_string(target.bytes()) +
                                   ", expected 1 or more that fit both");
  SLUICE_RETURN_IF_ERROR(checkWritable(copy.target()));
  beginStep(HazardStep::Kind::Work);
  SLUICE_RETURN_IF_ERROR(
      checkNotStaged(copy.source(), context.describe(copy.source())));
  SLUICE_RETURN_IF_ERROR(
      checkNotStaged(copy.target(), context.describe(copy.target())));
  addAccess(copy.source(), 0, bytes, Access::Read);
  addAccess(copy.target(), 0, bytes, Access::Write);

  Origin origin;
  origin.instruction = current;
  origin.rows = copy.rows();
  const fb::Port *port = inputPort[copy.source()];
  if (port && copiesWhole(copy, port->role(), *context.plan.model())) {
    origin.kind = Origin::Kind::Port;
    origin.role = port->role();
  }
  // What the host reads to find the experts out. A recording copy may not run.
  const Origin &from = origins.get(copy.source());
  if (from.kind == Origin::Kind::ExpertIds && !copy.recording() &&
      copy.rows() == from.rows &&
      copy.bytes() == uint64_t(from.topK) * sizeof(int32_t)) {
    origin = from;
    origin.instruction = current;
  }
  origins.set(copy.target(), origin);
  outputCopies[copy.target()] = {copy.rows(), copy.bytes(), true,
                                 copy.recording()};
  return Status::ok();
}

Status EntryVerifier::verifyFetch(const fb::Fetch &fetch) {
  if (!isLoad)
    return context.fail(where, "a fetch, expected one only in the load entry");
  const auto &sources = *context.plan.sources();
  if (fetch.source() >= sources.size())
    return context.fail(
        where, "source " + expected(fetch.source(),
                                    "below " + std::to_string(sources.size())));
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "target", fetch.target()));
  if (context.kind(fetch.target()) != fb::MemoryKind::Device)
    return context.fail(where,
                        context.describe(fetch.target()) +
                            " is in host memory, expected device memory");
  if (context.filled[fetch.target()] == Filled::No)
    context.filled[fetch.target()] = Filled::Fetch;
  SLUICE_RETURN_IF_ERROR(checkWritable(fetch.target()));
  const fb::Source &source = *sources[fetch.source()];
  uint64_t size = context.buffer(fetch.target()).bytes();
  beginStep(HazardStep::Kind::Work);
  for (const fb::Range *range : *source.ranges()) {
    if (range->target_offset() > size ||
        range->bytes() > size - range->target_offset())
      return context.fail(where,
                          "'" + printable(*source.tensor()) + "' brings " +
                              std::to_string(range->bytes()) + " bytes to " +
                              std::to_string(range->target_offset()) + " of " +
                              context.describe(fetch.target()) +
                              ", expected inside its " + std::to_string(size));
    addAccess(fetch.target(), range->target_offset(), range->bytes(),
              Access::Write);
  }
  origins.set(fetch.target(), {});
  return Status::ok();
}

} // namespace sluice::plan
