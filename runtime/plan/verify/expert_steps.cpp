//===- expert_steps.cpp - The instructions that move and run experts ------===//

#include "runtime/plan/verify/entry.h"

#include <cmath>

namespace sluice::plan {
namespace {

using Kind = HazardStep::Kind;
using Stage = ExpertOrder::Stage;

/// The product of the factors, or the largest number when it overflows: then
/// no buffer is large enough.
uint64_t product(std::initializer_list<uint64_t> factors) {
  uint64_t result = 1;
  for (uint64_t factor : factors)
    if (!multiply(result, factor, result))
      return UINT64_MAX;
  return result;
}

} // namespace

/// A buffer of an instruction and what it must be.
struct EntryVerifier::ExpertOperand {
  const char *name;
  uint32_t buffer;
  fb::MemoryKind memory;
  TypeRule type;
  uint64_t elements;
  Access access;
};

/// Checks the operand and adds its access to the last step.
Status EntryVerifier::verifyOperand(const ExpertOperand &operand) {
  SLUICE_RETURN_IF_ERROR(
      context.checkBuffer(where, operand.name, operand.buffer));
  const fb::Buffer &buffer = context.buffer(operand.buffer);
  std::string what =
      std::string(operand.name) + " (" + context.describe(operand.buffer) + ")";
  if (!allows(operand.type, toDType(buffer.dtype())))
    return context.fail(where, what + " is " +
                                   sluice::name(toDType(buffer.dtype())) +
                                   ", expected " + describe(operand.type));
  if (context.kind(operand.buffer) != operand.memory)
    return context.fail(where,
                        what + " is in " +
                            (operand.memory == fb::MemoryKind::Device
                                 ? "host memory, expected device memory"
                                 : "device memory, expected host memory"));
  uint64_t bytes =
      product({operand.elements, byteSize(toDType(buffer.dtype()))});
  if (bytes > buffer.bytes())
    return context.fail(where, what + " has " + std::to_string(buffer.bytes()) +
                                   " bytes, expected at least " +
                                   std::to_string(bytes));
  if (operand.access != Access::Read)
    SLUICE_RETURN_IF_ERROR(checkWritable(operand.buffer));
  else if (outputCopies[operand.buffer].recording)
    return context.fail(where, what + " is filled only while routing is "
                                      "recorded, expected always");
  if (operand.access != Access::Read)
    origins.set(operand.buffer, {});
  if (std::string_view(operand.name) != "staged")
    SLUICE_RETURN_IF_ERROR(checkNotStaged(operand.buffer, what));
  addAccess(operand.buffer, 0, bytes, operand.access);
  return Status::ok();
}

Status EntryVerifier::checkBank(uint32_t bank) {
  if (bank >= context.bankCount())
    return context.fail(
        where,
        "bank " + expected(bank, "below the plan's " +
                                     std::to_string(context.bankCount())));
  // (row, rank) pairs are stored as i32.
  uint32_t topK = context.plan.expert_banks()->Get(bank)->top_k();
  if (entry.max_rows() > uint32_t(INT32_MAX) / topK)
    return context.fail(where, "rows times top_k exceed 2^31");
  return Status::ok();
}

Status EntryVerifier::checkStream(fb::StreamKind wanted) {
  fb::StreamKind found = entry.instructions()->Get(current)->stream();
  if (found == wanted)
    return Status::ok();
  return context.fail(where, std::string("on ") +
                                 fb::EnumNameStreamKind(found) + ", expected " +
                                 fb::EnumNameStreamKind(wanted));
}

Status EntryVerifier::advance(uint32_t bank, uint32_t part, Stage stage) {
  SLUICE_RETURN_IF_ERROR(checkBank(bank));
  auto problem = experts.advance(bank, part, stage);
  return problem ? context.fail(where, *problem) : Status::ok();
}

/// After the demand everything that reads slots is done, so that any slot which
/// is not held may be overwritten at once.
Status EntryVerifier::checkDemandEvent(uint32_t event) {
  if (event >= entry.events())
    return context.fail(
        where, "event " + expected(event, "below the entry's " +
                                              std::to_string(entry.events())));
  std::string what = "event " + std::to_string(event);
  uint32_t record = recordedBy[event];
  if (record == kNoStep)
    return context.fail(
        where, what + " is not recorded yet, expected a record before");
  fb::StreamKind stream = entry.instructions()->Get(record)->stream();
  if (stream != fb::StreamKind::Compute)
    return context.fail(where, what + " is recorded on " +
                                   fb::EnumNameStreamKind(stream) +
                                   ", expected Compute");
  if (lastExpertWork != kNoStep && record < lastExpertWork)
    return context.fail(where, what + " is recorded before " +
                                   name(lastExpertWork) +
                                   ", expected after it");
  return Status::ok();
}

Status EntryVerifier::verifyDemand(const fb::ExpertDemand &demand) {
  SLUICE_RETURN_IF_ERROR(checkBank(demand.bank()));
  if (auto problem =
          experts.demand(demand.bank(), demand.part(), demand.parts()))
    return context.fail(where, *problem);
  SLUICE_RETURN_IF_ERROR(checkDemandEvent(demand.event()));
  runHost = nullptr;
  expertRun = nullptr;
  const fb::ExpertBank &bank = *context.plan.expert_banks()->Get(demand.bank());
  beginStep(Kind::HostWait, demand.event());
  SLUICE_RETURN_IF_ERROR(
      verifyOperand({"ids", demand.ids(), fb::MemoryKind::Host, TypeRule::I32,
                     product({entry.max_rows(), bank.top_k()}), Access::Read}));
  const Origin &origin = origins.get(demand.ids());
  if (origin.kind != Origin::Kind::ExpertIds ||
      origin.rows != fb::RowKind::Rows || origin.experts != bank.experts() ||
      origin.topK != bank.top_k())
    return context.fail(where, context.describe(demand.ids()) +
                                   " as ids comes from elsewhere, expected a "
                                   "copy of all ids of a route or top_k over "
                                   "the rows and the bank's experts");
  return Status::ok();
}

Status EntryVerifier::verifySplit(const fb::ExpertSplit &split) {
  SLUICE_RETURN_IF_ERROR(advance(split.bank(), split.part(), Stage::Split));
  if (!std::isfinite(split.share()) || split.share() < 0 || split.share() > 1)
    return context.fail(where, "share " + std::to_string(split.share()) +
                                   ", expected 0 to 1");
  return Status::ok();
}

Status EntryVerifier::verifyRunHost(const fb::ExpertRunHost &run) {
  SLUICE_RETURN_IF_ERROR(advance(run.bank(), run.part(), Stage::RunHost));
  const fb::ExpertBank &bank = *context.plan.expert_banks()->Get(run.bank());
  runHost = &run;
  beginStep(Kind::HostWork);
  SLUICE_RETURN_IF_ERROR(verifyOperand(
      {"in", run.in(), fb::MemoryKind::Host, TypeRule::Wide,
       product({entry.max_rows(), bank.hidden()}), Access::Read}));
  return verifyOperand(
      {"outputs", run.outputs(), fb::MemoryKind::Host, TypeRule::F32,
       product({entry.max_rows(), bank.top_k(), bank.hidden()}),
       run.part() == 0 ? Access::Write : Access::ReadWrite});
}

/// What launches of tensor kernels ask of their operands.
Status EntryVerifier::verifyRunTensor(const fb::ExpertRun &run) {
  if (run.arithmetic() != fb::Arithmetic::Tensor)
    return Status::ok();
  const fb::ExpertBank &bank = *context.plan.expert_banks()->Get(run.bank());
  uint32_t slots = context.plan.expert_pools()->Get(bank.pool())->buffer();
  for (uint32_t buffer : {run.in(), slots})
    if (context.buffer(buffer).dtype() != fb::DType::BF16)
      return context.fail(
          where, context.describe(buffer) + " is " +
                     fb::EnumNameDType(context.buffer(buffer).dtype()) +
                     ", expected BF16 for tensor arithmetic");
  for (uint32_t dim : {bank.hidden(), bank.inner()})
    if (dim % 8 != 0)
      return context.fail(
          where, "hidden or inner " +
                     expected(dim, "a multiple of 8 for tensor arithmetic"));
  return Status::ok();
}

Status EntryVerifier::verifyRun(const fb::ExpertRun &run) {
  SLUICE_RETURN_IF_ERROR(advance(run.bank(), run.part(), Stage::Run));
  SLUICE_RETURN_IF_ERROR(checkStream(fb::StreamKind::Compute));
  if (run.parts() != experts.openParts())
    return context.fail(
        where,
        "parts " +
            expected(run.parts(), "the " + std::to_string(experts.openParts()) +
                                      " of the demand"));
  if (run.arithmetic() > fb::Arithmetic::MAX)
    return context.fail(
        where, "arithmetic " + expected(uint64_t(run.arithmetic()), "0 or 1"));
  const fb::ExpertBank &bank = *context.plan.expert_banks()->Get(run.bank());
  const uint64_t rows = entry.max_rows(), pairs = rows * bank.top_k();
  const uint64_t table = 2 * uint64_t(bank.experts()) + 1 + pairs;
  constexpr auto device = fb::MemoryKind::Device;
  beginStep(Kind::Host);
  SLUICE_RETURN_IF_ERROR(
      verifyOperand({"tables_host", run.tables_host(), fb::MemoryKind::Host,
                     TypeRule::I32, table, Access::Write}));
  beginStep(Kind::Work);
  // Parts write their own rows, and all of them are one result.
  const Access result = run.part() == 0 ? Access::Write : Access::ReadWrite;
  const ExpertOperand operands[] = {
      {"in", run.in(), device, TypeRule::Wide, product({rows, bank.hidden()}),
       Access::Read},
      {"inner", run.inner(), device, TypeRule::F32,
       product({pairs, bank.inner()}), Access::Write},
      {"outputs", run.outputs(), device, TypeRule::F32,
       product({pairs, bank.hidden()}), result},
      {"tables", run.tables(), device, TypeRule::I32, table, Access::Write},
      {"tables_host", run.tables_host(), fb::MemoryKind::Host, TypeRule::I32,
       table, Access::Read},
  };
  for (const ExpertOperand &operand : operands)
    SLUICE_RETURN_IF_ERROR(verifyOperand(operand));
  if (runHost &&
      context.buffer(runHost->in()).dtype() != context.buffer(run.in()).dtype())
    return context.fail(where, "in (" + context.describe(run.in()) +
                                   ") and the host's " +
                                   context.describe(runHost->in()) +
                                   " have two types, expected one");
  expertRun = &run;
  lastExpertWork = current;
  return verifyRunTensor(run);
}

Status EntryVerifier::verifyJoin(const fb::ExpertJoin &join) {
  SLUICE_RETURN_IF_ERROR(advance(join.bank(), join.part(), Stage::Join));
  SLUICE_RETURN_IF_ERROR(checkStream(fb::StreamKind::Compute));
  const fb::ExpertBank &bank = *context.plan.expert_banks()->Get(join.bank());
  // The order has proved that both are there.
  if (join.source() != runHost->outputs())
    return context.fail(
        where,
        "source is buffer " +
            expected(join.source(), std::to_string(runHost->outputs()) +
                                        ", the outputs of the run_host"));
  const uint64_t pairs = uint64_t(entry.max_rows()) * bank.top_k();
  const uint64_t values = product({pairs, bank.hidden()});
  constexpr auto device = fb::MemoryKind::Device, host = fb::MemoryKind::Host;
  // Parts bring their own rows, and launches read all of them.
  const Access own = join.part() == 0 ? Access::Write : Access::ReadWrite;
  beginStep(Kind::Host);
  SLUICE_RETURN_IF_ERROR(verifyOperand({"shares_host", join.shares_host(), host,
                                        TypeRule::I32, pairs, Access::Write}));
  beginStep(Kind::Join);
  beginStep(Kind::Work);
  const ExpertOperand operands[] = {
      {"source", join.source(), host, TypeRule::F32, values, Access::Read},
      {"staged", join.staged(), device, TypeRule::F32, values, own},
      {"shares", join.shares(), device, TypeRule::I32, pairs, own},
      {"shares_host", join.shares_host(), host, TypeRule::I32, pairs,
       Access::Read},
  };
  for (const ExpertOperand &operand : operands)
    SLUICE_RETURN_IF_ERROR(verifyOperand(operand));
  if (const uint32_t other = standIns[join.staged()]; other != join.source())
    return context.fail(
        where, "staged is buffer " +
                   expected(join.staged(), "one that no join of buffer " +
                                               std::to_string(other) + " has"));
  lastExpertWork = current;
  return Status::ok();
}

Status EntryVerifier::verifyPrefetch(const fb::ExpertPrefetch &prefetch) {
  SLUICE_RETURN_IF_ERROR(checkBank(prefetch.bank()));
  SLUICE_RETURN_IF_ERROR(checkStream(fb::StreamKind::Prefetch));
  if (prefetch.from() != kNoBuffer) {
    SLUICE_RETURN_IF_ERROR(checkBank(prefetch.from()));
    if (prefetch.bank() != prefetch.from() + 1)
      return context.fail(where,
                          "from bank " + std::to_string(prefetch.from()) +
                              " for bank " + std::to_string(prefetch.bank()) +
                              ", expected the bank before");
    if (!experts.demanded(prefetch.from()))
      return context.fail(where, "from bank " +
                                     std::to_string(prefetch.from()) +
                                     ", which is not demanded yet, expected a "
                                     "demand before");
  }
  const fb::ExpertBank &bank =
      *context.plan.expert_banks()->Get(prefetch.bank());
  uint32_t slots = context.plan.expert_pools()->Get(bank.pool())->slots();
  if (prefetch.limit() == 0 || prefetch.limit() > slots)
    return context.fail(
        where, "limit " + expected(prefetch.limit(), "1 to the pool's " +
                                                         std::to_string(slots) +
                                                         " slots"));
  return Status::ok();
}

Status EntryVerifier::verifyExpertStep(const fb::Instruction &instruction) {
  using Operation = fb::Operation;
  Operation type = instruction.operation_type();
  if (type < Operation::ExpertDemand || type > Operation::ExpertPrefetch)
    return context.fail(
        where,
        "operation " + expected(uint64_t(type),
                                "1 to " + std::to_string(int(Operation::MAX))));
  if (isLoad)
    return context.fail(
        where, "an instruction about experts, expected only data movement in "
               "the load entry");
  switch (type) {
  case Operation::ExpertDemand:
    return verifyDemand(*instruction.operation_as_ExpertDemand());
  case Operation::ExpertSplit:
    return verifySplit(*instruction.operation_as_ExpertSplit());
  case Operation::ExpertFetch: {
    const fb::ExpertFetch &fetch = *instruction.operation_as_ExpertFetch();
    SLUICE_RETURN_IF_ERROR(advance(fetch.bank(), fetch.part(), Stage::Fetch));
    return checkStream(fb::StreamKind::Demand);
  }
  case Operation::ExpertRunHost:
    return verifyRunHost(*instruction.operation_as_ExpertRunHost());
  case Operation::ExpertRun:
    return verifyRun(*instruction.operation_as_ExpertRun());
  case Operation::ExpertJoin:
    return verifyJoin(*instruction.operation_as_ExpertJoin());
  case Operation::ExpertRelease: {
    const auto &release = *instruction.operation_as_ExpertRelease();
    return advance(release.bank(), release.part(), Stage::Release);
  }
  default:
    return verifyPrefetch(*instruction.operation_as_ExpertPrefetch());
  }
}

} // namespace sluice::plan
