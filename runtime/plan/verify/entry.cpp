//===- entry.cpp - Verifies one entry point -------------------------------===//

#include "runtime/plan/verify/entry.h"

namespace sluice::plan {
namespace {

constexpr uint32_t kMostInstructions = 1 << 16;

static_assert(static_cast<int>(fb::StreamKind::MAX) + 1 == kStreamCount);
static_assert(static_cast<int>(fb::Kernel::MAX) + 1 == kKernelCount);
static_assert(static_cast<int>(fb::DType::I32) == static_cast<int>(DType::I32));
static_assert(static_cast<int>(fb::Arithmetic::Tensor) ==
              static_cast<int>(Arithmetic::Tensor));

const char *mnemonic(const fb::Instruction &instruction) {
  switch (instruction.operation_type()) {
  case fb::Operation::Launch: {
    auto kernel =
        static_cast<Kernel>(instruction.operation_as_Launch()->kernel());
    const Signature *signature = findSignature(kernel);
    return signature ? signature->name : "launch";
  }
  case fb::Operation::Copy:
    return "copy";
  case fb::Operation::Fetch:
    return "fetch";
  case fb::Operation::Record:
    return "record";
  case fb::Operation::Wait:
    return "wait";
  case fb::Operation::ExpertDemand:
    return "expert.demand";
  case fb::Operation::ExpertSplit:
    return "expert.split";
  case fb::Operation::ExpertFetch:
    return "expert.fetch";
  case fb::Operation::ExpertRunHost:
    return "expert.run_host";
  case fb::Operation::ExpertRun:
    return "expert.run";
  case fb::Operation::ExpertJoin:
    return "expert.join";
  case fb::Operation::ExpertRelease:
    return "expert.release";
  case fb::Operation::ExpertPrefetch:
    return "expert.prefetch";
  case fb::Operation::GraphBegin:
    return "graph.begin";
  case fb::Operation::GraphEnd:
    return "graph.end";
  default:
    return "unknown";
  }
}

/// Everything that holds data between steps: what load fills, what the runtime
/// fills before a step, the memory of expert pools, and the buffers that
/// kernels both read and write.
std::vector<bool> findPersistent(const Context &context) {
  std::vector<bool> persistent(context.bufferCount());
  for (uint32_t i = 0; i < context.bufferCount(); ++i)
    persistent[i] = context.filled[i] != Filled::No ||
                    context.managed[i] != Context::kNoPool;
  for (const fb::Entry *entry : *context.plan.entries()) {
    for (const fb::Port *port : *entry->inputs())
      if (port->buffer() < context.bufferCount())
        persistent[port->buffer()] = true;
    for (const fb::Instruction *instruction : *entry->instructions()) {
      const fb::Launch *launch = instruction->operation_as_Launch();
      const Signature *signature =
          launch ? findSignature(static_cast<Kernel>(launch->kernel()))
                 : nullptr;
      if (!signature)
        continue;
      size_t count = std::min<size_t>(signature->operands.size(),
                                      launch->operands()->size());
      for (size_t i = 0; i < count; ++i)
        if (signature->operands[i].access == Access::ReadWrite &&
            launch->operands()->Get(i) < context.bufferCount())
          persistent[launch->operands()->Get(i)] = true;
    }
  }
  return persistent;
}

} // namespace

std::string EntryVerifier::name(uint32_t index) const {
  return printable(*entry.name()) + " instruction " + std::to_string(index) +
         " (" + mnemonic(*entry.instructions()->Get(index)) + ")";
}

uint64_t EntryVerifier::mostRows(fb::RowKind rows) const {
  switch (rows) {
  case fb::RowKind::Rows:
    return entry.max_rows();
  case fb::RowKind::LogitRows:
    return entry.max_logit_rows();
  default:
    return 1;
  }
}

void EntryVerifier::beginStep(HazardStep::Kind kind, uint32_t event) {
  HazardStep step;
  step.kind = kind;
  step.stream =
      static_cast<uint8_t>(entry.instructions()->Get(current)->stream());
  step.event = event;
  step.firstAccess = schedule.accesses.size();
  schedule.steps.push_back(step);
  stepInstruction.push_back(current);
}

void EntryVerifier::addAccess(uint32_t buffer, uint64_t offset, uint64_t bytes,
                              Access access) {
  schedule.accesses.push_back(
      {buffer, offset, bytes, access != Access::Write, access != Access::Read});
  ++schedule.steps.back().accessCount;
}

/// What load fills stays as it is, and what the executor has checked is not
/// changed behind its back.
Status EntryVerifier::checkWritable(uint32_t buffer) {
  Filled filled = context.filled[buffer];
  if (filled == Filled::No || (isLoad && filled == Filled::Fetch))
    if (!inputPort[buffer])
      return Status::ok();
  return context.fail(
      where, "writes " + context.describe(buffer) + ", which holds " +
                 (inputPort[buffer] ? "an input" : "data of the load entry") +
                 ", expected it to be only read");
}

Status EntryVerifier::verifyEvent(uint32_t event, HazardStep::Kind kind) {
  if (event >= entry.events())
    return context.fail(
        where, "event " + expected(event, "below the entry's " +
                                              std::to_string(entry.events())));
  if (kind == HazardStep::Kind::Record)
    recordedBy[event] = current;
  beginStep(kind, event);
  return Status::ok();
}

Status EntryVerifier::verifyInstruction(uint32_t index) {
  current = index;
  where = name(index);
  const fb::Instruction &instruction = *entry.instructions()->Get(index);
  if (instruction.stream() > fb::StreamKind::MAX)
    return context.fail(
        where, "stream " + expected(uint64_t(instruction.stream()), "0 to 3"));
  SLUICE_RETURN_IF_ERROR(verifyGraphMember(instruction));
  switch (instruction.operation_type()) {
  case fb::Operation::Launch:
    return verifyLaunch(*instruction.operation_as_Launch());
  case fb::Operation::Copy:
    return verifyCopy(*instruction.operation_as_Copy());
  case fb::Operation::Fetch:
    return verifyFetch(*instruction.operation_as_Fetch());
  case fb::Operation::Record:
    return verifyEvent(instruction.operation_as_Record()->event(),
                       HazardStep::Kind::Record);
  case fb::Operation::Wait:
    return verifyEvent(instruction.operation_as_Wait()->event(),
                       HazardStep::Kind::Wait);
  case fb::Operation::GraphBegin:
    return verifyGraphBegin(*instruction.operation_as_GraphBegin());
  case fb::Operation::GraphEnd:
    return verifyGraphEnd(*instruction.operation_as_GraphEnd());
  default:
    return verifyExpertStep(instruction);
  }
}

Status EntryVerifier::verifyHazards() {
  schedule.events = entry.events();
  schedule.buffers.resize(context.bufferCount());
  for (uint32_t i = 0; i < context.bufferCount(); ++i) {
    const fb::Buffer &buffer = context.buffer(i);
    // The load entry itself brings the fetched buffers.
    bool kept = isLoad ? context.filled[i] == Filled::Constant ||
                             context.filled[i] == Filled::RopeTable ||
                             context.managed[i] != Context::kNoPool
                       : bool(persistent[i]);
    schedule.buffers[i] = {buffer.arena(), buffer.offset(), buffer.bytes(),
                           kept, kept};
  }
  auto hazard = findHazard(schedule);
  if (!hazard)
    return Status::ok();
  auto named = [&](uint32_t step) { return name(stepInstruction[step]); };
  std::string place =
      hazard->step == kNoStep ? printable(*entry.name()) : named(hazard->step);
  std::string problem;
  using Kind = Hazard::Kind;
  if (hazard->kind != Kind::RecordedTwice &&
      hazard->kind != Kind::WaitBeforeRecord) {
    problem = context.describe(hazard->buffer) + " ";
    if (hazard->otherBuffer != hazard->buffer)
      problem += "and " + context.describe(hazard->otherBuffer) + ": ";
  }
  problem += describe(hazard->kind);
  if (hazard->other != kNoStep && hazard->other != hazard->step)
    problem += "; the other is " + named(hazard->other);
  return context.fail(place, problem);
}

Status EntryVerifier::run() {
  inputPort.resize(context.bufferCount());
  outputCopies.resize(context.bufferCount());
  SLUICE_RETURN_IF_ERROR(verifyLimits());
  SLUICE_RETURN_IF_ERROR(verifyPorts(*entry.inputs(), true));
  SLUICE_RETURN_IF_ERROR(verifyPorts(*entry.outputs(), false));
  uint32_t count = entry.instructions()->size();
  if (count > kMostInstructions || entry.events() > kMostInstructions)
    return context.fail(printable(*entry.name()),
                        std::to_string(count) + " instructions and " +
                            std::to_string(entry.events()) +
                            " events, expected at most " +
                            std::to_string(kMostInstructions) + " of each");
  recordedBy.assign(entry.events(), kNoStep);
  standIns.assign(context.bufferCount(), kNoBuffer);
  for (const fb::Instruction *instruction : *entry.instructions())
    if (const fb::ExpertJoin *join = instruction->operation_as_ExpertJoin();
        join && join->staged() < standIns.size() &&
        standIns[join->staged()] == kNoBuffer)
      standIns[join->staged()] = join->source();
  for (uint32_t i = 0; i < count; ++i)
    SLUICE_RETURN_IF_ERROR(verifyInstruction(i));
  if (openGraph != kNoGraph)
    return context.fail(name(openGraph),
                        "the entry ends inside the graph, expected a "
                        "graph.end");
  if (auto problem = experts.finish())
    return context.fail(printable(*entry.name()), *problem);
  SLUICE_RETURN_IF_ERROR(verifyOutputsWritten());
  return verifyHazards();
}

Status verifyEntries(Context &context) {
  const fb::Plan &plan = context.plan;
  if (plan.load()->name()->string_view() != "load")
    return context.fail("load entry", "found name '" +
                                          printable(*plan.load()->name()) +
                                          "', expected 'load'");
  SLUICE_RETURN_IF_ERROR(EntryVerifier(context, *plan.load(), true).run());
  bool prefill = false, decode = false;
  for (const fb::Entry *entry : *plan.entries()) {
    std::string_view name = entry->name()->string_view();
    bool &seen = name == "prefill" ? prefill : decode;
    if ((name != "prefill" && name != "decode") || seen)
      return context.fail("entry '" + printable(*entry->name()) + "'",
                          "expected 'prefill' and 'decode', once each");
    seen = true;
  }
  if (!prefill || !decode)
    return context.fail("entries", std::string("found no '") +
                                       (prefill ? "decode" : "prefill") +
                                       "', expected 'prefill' and 'decode'");
  std::vector<bool> persistent = findPersistent(context);
  for (const fb::Entry *entry : *plan.entries()) {
    EntryVerifier verifier(context, *entry, false);
    verifier.persistent = persistent;
    SLUICE_RETURN_IF_ERROR(verifier.run());
  }
  return Status::ok();
}

} // namespace sluice::plan
