//===- bind.cpp - From a plan's indices to pointers -----------------------===//

#include "runtime/executor/bind.h"

#include "kernels/signatures.h"
#include "runtime/executor/bind_experts.h"
#include "runtime/executor/bind_reports.h"
#include "runtime/plan/version.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace sluice {
namespace {

namespace fb = plan::fb;

static_assert(int(fb::StreamKind::CopyBack) == int(StreamKind::CopyBack));
static_assert(int(fb::MemoryKind::Host) == int(MemoryKind::Host));
static_assert(int(fb::Kernel::ExpertScatter) == int(Kernel::ExpertScatter));
static_assert(int(fb::DType::I32) == int(DType::I32));
static_assert(int(fb::Arithmetic::Tensor) == int(Arithmetic::Tensor));

/// The number in a name like "decode.layer12.q", or -1.
int32_t layerInName(std::string_view name) {
  constexpr std::string_view kWord = ".layer";
  size_t at = name.find(kWord);
  if (at == std::string_view::npos)
    return -1;
  int32_t layer = -1;
  const char *begin = name.data() + at + kWord.size();
  std::from_chars(begin, name.data() + name.size(), layer);
  return layer;
}

/// The layer of the first operand that a launch writes, by its name.
int32_t layerOf(const fb::Launch &launch, const Signature &signature,
                const fb::Plan &plan) {
  for (uint32_t i = 0; i < launch.operands()->size(); ++i)
    if (uint32_t buffer = launch.operands()->Get(i);
        buffer != plan::kNoBuffer &&
        signature.operands[i].access != Access::Read)
      return layerInName(plan.buffers()->Get(buffer)->name()->string_view());
  return -1;
}

Result<Step> bindLaunch(const fb::Launch &launch, StreamKind stream,
                        uint32_t maxRows, const BoundMemory &memory,
                        const fb::Plan &plan, Backend &backend,
                        const StandIns &standIns) {
  SLUICE_ASSIGN_OR_RETURN(
      KernelHandle kernel,
      backend.findKernel(static_cast<Kernel>(launch.kernel()),
                         static_cast<Arithmetic>(launch.arithmetic())));
  const Signature &signature =
      *findSignature(static_cast<Kernel>(launch.kernel()));
  LaunchStep step{
      stream,        signature.name, layerOf(launch, signature, plan),
      launch.rows(), kernel,         {}};
  step.args.maxRows = maxRows;
  // The verifier has held the counts to the signature's.
  for (uint32_t i = 0; i < launch.operands()->size(); ++i) {
    uint32_t buffer = launch.operands()->Get(i);
    if (buffer == plan::kNoBuffer)
      continue;
    step.args.data[i] = memory.buffer(standIns.of(buffer)).data();
    step.args.dtype[i] =
        static_cast<DType>(plan.buffers()->Get(buffer)->dtype());
  }
  for (uint32_t i = 0; i < launch.dims()->size(); ++i)
    step.args.dim[i] = launch.dims()->Get(i);
  for (uint32_t i = 0; launch.scalars() && i < launch.scalars()->size(); ++i)
    step.args.scalar[i] = launch.scalars()->Get(i);
  return Step(step);
}

/// Tells each GraphBegin where its end is, and makes room for their graphs.
void bindGraphs(BoundEntry &entry) {
  GraphBeginStep *open = nullptr;
  size_t stretches = 0;
  for (size_t i = 0; i < entry.steps.size(); ++i) {
    if (auto *begin = std::get_if<GraphBeginStep>(&entry.steps[i])) {
      open = begin;
      stretches = std::max(stretches, size_t{begin->graph} + 1);
    } else if (open && std::holds_alternative<GraphEndStep>(entry.steps[i])) {
      open->end = i;
      open = nullptr;
    }
  }
  entry.graphs = Graphs(entry.entry->name()->str(), stretches);
}

BoundPort bindPort(const fb::Port &port, const BoundMemory &memory) {
  return {port.role(), port.layer(), memory.buffer(port.buffer())};
}

} // namespace

std::span<std::byte> BoundEntry::find(const std::vector<BoundPort> &ports,
                                      fb::Role role, uint32_t layer) {
  for (const BoundPort &port : ports)
    if (port.role == role && port.layer == layer)
      return port.data;
  return {};
}

Result<BoundMemory> BoundMemory::allocate(const plan::Plan &plan,
                                          Backend &backend) {
  BoundMemory memory(plan);
  for (const fb::Arena *arena : *plan.get().arenas()) {
    auto allocation = backend.allocate(static_cast<MemoryKind>(arena->kind()),
                                       arena->bytes());
    if (!allocation)
      return Status(allocation.status().code(),
                    plan.name() + ": arena '" + arena->name()->str() +
                        "': " + std::string(allocation.status().message()));
    memory.arenas.push_back(std::move(*allocation));
  }
  return memory;
}

std::span<std::byte> BoundMemory::buffer(uint32_t index) const {
  const fb::Buffer &buffer = *plan->buffers()->Get(index);
  return {arenas[buffer.arena()].data() + buffer.offset(), buffer.bytes()};
}

MemoryKind BoundMemory::kind(uint32_t index) const {
  uint32_t arena = plan->buffers()->Get(index)->arena();
  return static_cast<MemoryKind>(plan->arenas()->Get(arena)->kind());
}

Result<Step> bindInstruction(const fb::Instruction &instruction,
                             uint32_t maxRows, const BoundMemory &memory,
                             const fb::Plan &plan, Backend &backend,
                             const StandIns &standIns,
                             experts::Engine *engine) {
  auto stream = static_cast<StreamKind>(instruction.stream());
  switch (instruction.operation_type()) {
  case fb::Operation::Launch:
    return bindLaunch(*instruction.operation_as_Launch(), stream, maxRows,
                      memory, plan, backend, standIns);
  case fb::Operation::Copy: {
    const fb::Copy &copy = *instruction.operation_as_Copy();
    const std::span<std::byte> target = memory.buffer(copy.target());
    return Step(CopyStep{stream, copy.rows(), copy.recording(),
                         memory.kind(copy.target()), memory.kind(copy.source()),
                         target.data(), memory.buffer(copy.source()).data(),
                         copy.bytes(), target.data() + target.size()});
  }
  case fb::Operation::Record:
    return Step(RecordStep{stream, instruction.operation_as_Record()->event()});
  case fb::Operation::Wait:
    return Step(WaitStep{stream, instruction.operation_as_Wait()->event()});
  case fb::Operation::GraphBegin:
    return Step(GraphBeginStep{
        stream, instruction.operation_as_GraphBegin()->graph(), 0});
  case fb::Operation::GraphEnd:
    return Step(GraphEndStep());
  default:
    if (engine)
      return bindExpertInstruction(instruction, maxRows, memory, plan, backend,
                                   standIns, *engine);
    return Status(ErrorCode::Internal,
                  "an instruction that the verifier should have refused");
  }
}

Result<BoundEntry> bindEntry(const fb::Entry &entry, const BoundMemory &memory,
                             const fb::Plan &plan, Backend &backend,
                             experts::Engine *engine) {
  BoundEntry bound;
  bound.entry = &entry;
  bound.steps.reserve(entry.instructions()->size());
  const StandIns standIns(entry, memory, backend);
  for (const fb::Instruction *instruction : *entry.instructions()) {
    SLUICE_ASSIGN_OR_RETURN(
        const Step step, bindInstruction(*instruction, entry.max_rows(), memory,
                                         plan, backend, standIns, engine));
    bound.steps.push_back(step);
  }
  bindReports(bound.steps);
  bindGraphs(bound);
  for (const fb::Port *port : *entry.inputs())
    bound.inputs.push_back(bindPort(*port, memory));
  for (const fb::Port *port : *entry.outputs())
    bound.outputs.push_back(bindPort(*port, memory));
  return bound;
}

} // namespace sluice
