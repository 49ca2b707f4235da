//===- executor.cpp - Runs a plan's entry points --------------------------===//

#include "runtime/executor/executor.h"

#include "runtime/executor/bind.h"
#include "runtime/executor/checkpoint_files.h"
#include "runtime/executor/load.h"
#include "runtime/executor/step_inputs.h"

#include <algorithm>

namespace sluice {

struct Executor::State {
  std::shared_ptr<const plan::Plan> plan;
  Backend &backend;
  BoundMemory memory;
  std::array<BoundEntry, kEntryPointCount> entries;

  // Nothing may be under way when the memory goes.
  ~State() { (void)backend.synchronize(); }

  BoundEntry &entry(EntryPoint point) { return entries[int(point)]; }
};

Executor::Executor(std::unique_ptr<State> state) : state(std::move(state)) {}
Executor::~Executor() = default;

const plan::Plan &Executor::plan() const { return *state->plan; }

Result<std::unique_ptr<Executor>>
Executor::create(std::shared_ptr<const plan::Plan> plan, Backend &backend,
                 const LoadOptions &options) {
  // The files first: a missing checkpoint should not cost an allocation.
  SLUICE_ASSIGN_OR_RETURN(std::vector<File> files,
                          openCheckpoint(*plan, options.modelDir));
  SLUICE_ASSIGN_OR_RETURN(BoundMemory memory,
                          BoundMemory::allocate(*plan, backend));
  const plan::fb::Plan &root = plan->get();
  auto state = std::unique_ptr<State>(
      new State{std::move(plan), backend, std::move(memory), {}});

  uint32_t events = root.load()->events();
  for (const plan::fb::Entry *entry : *root.entries())
    events = std::max(events, entry->events());
  SLUICE_RETURN_IF_ERROR(backend.reserveEvents(events));

  // Before the weights are read: a kernel that is missing is a quick error.
  for (const plan::fb::Entry *entry : *root.entries()) {
    EntryPoint point = entry->name()->string_view() == "prefill"
                           ? EntryPoint::Prefill
                           : EntryPoint::Decode;
    SLUICE_ASSIGN_OR_RETURN(state->entry(point),
                            bindEntry(*entry, state->memory, root, backend));
  }
  SLUICE_RETURN_IF_ERROR(
      loadData(*state->plan, state->memory, files, backend, options));
  return std::unique_ptr<Executor>(new Executor(std::move(state)));
}

std::span<std::byte> Executor::input(EntryPoint point, plan::fb::Role role) {
  return BoundEntry::find(state->entry(point).inputs, role, 0);
}

std::span<const std::byte>
Executor::output(EntryPoint point, plan::fb::Role role, uint32_t layer) const {
  return BoundEntry::find(state->entry(point).outputs, role, layer);
}

Status Executor::execute(EntryPoint point, uint32_t rows, uint32_t logitRows,
                         bool recording) {
  BoundEntry &entry = state->entry(point);
  const StepSize size{rows, logitRows, recording};
  SLUICE_RETURN_IF_ERROR(
      checkStepInputs(entry, *state->plan->get().model(), size));
  for (const Step &step : entry.steps)
    if (Status status = run(step, state->backend, size); !status) {
      (void)state->backend.synchronize();
      return status;
    }
  return state->backend.synchronize();
}

} // namespace sluice
