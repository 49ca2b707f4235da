//===- executor.cpp - Runs a plan's entry points --------------------------===//

#include "runtime/executor/executor.h"

#include "runtime/executor/bind.h"
#include "runtime/executor/checkpoint_files.h"
#include "runtime/executor/experts/engine.h"
#include "runtime/executor/load.h"
#include "runtime/executor/step_inputs.h"

#include <algorithm>

namespace sluice {

struct Executor::State {
  std::shared_ptr<const plan::Plan> plan;
  Backend &backend;
  BoundMemory memory;
  /// Null where all experts are in slots from the start.
  std::unique_ptr<experts::Engine> engine;
  std::array<BoundEntry, kEntryPointCount> entries;
  uint64_t steps = 0; ///< Executed.
  bool graphs = true;

  // Nothing may be under way when the memory goes.
  ~State() {
    (void)backend.waitHostWork();
    (void)backend.synchronize();
  }

  BoundEntry &entry(EntryPoint point) { return entries[int(point)]; }
  Status run(BoundEntry &entry, const StepSize &size);
};

Executor::Executor(std::unique_ptr<State> state) : state(std::move(state)) {}
Executor::~Executor() = default;

const plan::Plan &Executor::plan() const { return *state->plan; }

Result<std::unique_ptr<Executor>>
Executor::create(std::shared_ptr<const plan::Plan> plan, Backend &backend,
                 const LoadOptions &options) {
  // The files first: a missing checkpoint should not cost an allocation.
  std::vector<File> files;
  if (!options.synthetic && !backend.isVirtual()) {
    SLUICE_ASSIGN_OR_RETURN(files, openCheckpoint(*plan, options.modelDir));
  }
  backend.setProgress(options.pinning);
  auto allocated = BoundMemory::allocate(*plan, backend);
  backend.setProgress({});
  SLUICE_ASSIGN_OR_RETURN(BoundMemory memory, std::move(allocated));
  const plan::fb::Plan &root = plan->get();
  auto state = std::unique_ptr<State>(
      new State{std::move(plan), backend, std::move(memory), {}, {}});

  uint32_t events = root.load()->events();
  for (const plan::fb::Entry *entry : *root.entries())
    events = std::max(events, entry->events());
  SLUICE_RETURN_IF_ERROR(
      backend.reserveEvents(events + experts::Engine::events(root)));
  if (root.expert_banks() && root.expert_banks()->size() > 0) {
    SLUICE_ASSIGN_OR_RETURN(
        state->engine, experts::Engine::create(root, backend, state->memory,
                                               events, options.policy));
    state->engine->setRouting(options.routing);
  }

  // Before the weights are read: a kernel that is missing is a quick error.
  for (const plan::fb::Entry *entry : *root.entries()) {
    EntryPoint point = entry->name()->string_view() == "prefill"
                           ? EntryPoint::Prefill
                           : EntryPoint::Decode;
    SLUICE_ASSIGN_OR_RETURN(
        state->entry(point),
        bindEntry(*entry, state->memory, root, backend, state->engine.get()));
  }
  SLUICE_RETURN_IF_ERROR(
      loadData(*state->plan, state->memory, files, backend, options));
  if (state->engine) {
    SLUICE_ASSIGN_OR_RETURN(
        auto home,
        experts::ExpertHome::load(
            *state->plan, backend, files,
            [&](uint32_t buffer) { return state->memory.buffer(buffer); },
            options));
    SLUICE_RETURN_IF_ERROR(state->engine->load(std::move(home), root));
  }
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
  Status status = state->run(entry, size);
  if (!status) {
    (void)state->backend.waitHostWork();
    (void)state->backend.synchronize();
  }
  return status;
}

Status Executor::State::run(BoundEntry &entry, const StepSize &size) {
  if (engine)
    engine->beginStep(steps);
  ++steps;
  if (graphs)
    entry.graphs.beginStep(size);
  for (size_t i = 0; i < entry.steps.size(); ++i) {
    const auto *begin = std::get_if<GraphBeginStep>(&entry.steps[i]);
    if (begin && graphs) {
      std::span<const Step> stretch(&entry.steps[i + 1], begin->end - i - 1);
      SLUICE_ASSIGN_OR_RETURN(bool ran,
                              entry.graphs.run(*begin, stretch, backend, size));
      if (ran) {
        i = begin->end;
        continue;
      }
    }
    SLUICE_RETURN_IF_ERROR(sluice::run(entry.steps[i], backend, size));
  }
  if (engine)
    SLUICE_RETURN_IF_ERROR(engine->beforeEnd());
  // Not the prefetch stream: guesses for the next step go on.
  for (StreamKind stream :
       {StreamKind::Compute, StreamKind::Demand, StreamKind::CopyBack})
    SLUICE_RETURN_IF_ERROR(backend.synchronize(stream));
  return engine ? engine->endStep() : Status::ok();
}

experts::Counters Executor::expertCounters() const {
  return state->engine ? state->engine->counters() : experts::Counters();
}

const experts::Engine *Executor::expertEngine() const {
  return state->engine.get();
}

bool Executor::movesExperts() const { return state->engine != nullptr; }

void Executor::setRouting(experts::RoutingSource *source) {
  if (state->engine)
    state->engine->setRouting(source);
}

double Executor::clockUs() const { return state->backend.clockUs(); }

void Executor::setGraphs(bool allowed) { state->graphs = allowed; }

} // namespace sluice
