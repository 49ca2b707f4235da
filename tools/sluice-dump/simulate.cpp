//===- simulate.cpp - One decode step in virtual time ---------------------===//

#include "tools/sluice-dump/simulate.h"

#include "runtime/executor/executor.h"
#include "tools/support/backend_choice.h"
#include "tools/support/routing_choice.h"

#include <algorithm>

namespace sluice::tools {
namespace {

namespace fb = plan::fb;

/// Steps before the one that is traced: residency has settled by then.
constexpr int kStepsBefore = 8;

std::span<int32_t> input(Executor &executor, fb::Role role) {
  std::span<std::byte> bytes = executor.input(EntryPoint::Decode, role);
  return {reinterpret_cast<int32_t *>(bytes.data()),
          bytes.size() / sizeof(int32_t)};
}

const fb::Entry &decodeOf(const fb::Plan &plan) {
  for (const fb::Entry *entry : *plan.entries())
    if (entry->name()->string_view() == "decode")
      return *entry;
  return *plan.entries()->Get(0); // The verifier saw to it that there is one.
}

/// Row r is token 0 of sequence r with `context` tokens before it.
void fillInputs(Executor &executor, uint32_t rows, uint32_t context) {
  const fb::Model &model = *executor.plan().get().model();
  for (uint32_t row = 0; row < rows; ++row) {
    input(executor, fb::Role::Positions)[row] = int32_t(context);
    input(executor, fb::Role::Sequences)[row] = int32_t(row);
    input(executor, fb::Role::LogitRowIds)[row] = int32_t(row);
  }
  std::span<int32_t> pages = input(executor, fb::Role::PageTable);
  for (size_t i = 0; i < pages.size(); ++i)
    pages[i] = int32_t(i % model.pages());
}

} // namespace

Result<StepTrace> simulateStep(const std::shared_ptr<const plan::Plan> &plan,
                               const SimulatedStep &step) {
  const fb::Plan &root = plan->get();
  const fb::Entry &decode = decodeOf(root);
  const uint32_t most = std::min({decode.max_rows(), decode.max_logit_rows(),
                                  root.model()->max_sequences()});
  const uint32_t rows = step.rows ? step.rows : most;
  if (rows > most)
    return Status(ErrorCode::InvalidArgument,
                  "--rows is " + std::to_string(rows) + ", expected at most " +
                      std::to_string(most) + ", the sequences of " +
                      plan->name());
  const uint32_t context =
      std::min(step.context, root.model()->max_positions() - 1);

  SLUICE_ASSIGN_OR_RETURN(auto backend, openBackend({"sim", step.hardware, 0}));
  LoadOptions load;
  std::unique_ptr<experts::RoutingSource> routing;
  if (root.expert_banks() && root.expert_banks()->size() > 0) {
    SLUICE_ASSIGN_OR_RETURN(routing, openRouting(step.routing, *plan));
    SLUICE_RETURN_IF_ERROR(checkRouting(*backend, *plan, routing.get()));
    load.routing = routing.get();
  }
  StepTrace trace;
  trace.title = "decode step of " + root.model()->name()->str() + ", " +
                std::to_string(rows) + (rows == 1 ? " row" : " rows") +
                " behind " + std::to_string(context) + " tokens, on " +
                backend->describe();
  SLUICE_ASSIGN_OR_RETURN(auto executor,
                          Executor::create(plan, *backend, load));
  fillInputs(*executor, rows, context);
  for (int before = 0; before < kStepsBefore; ++before)
    SLUICE_RETURN_IF_ERROR(
        executor->execute(EntryPoint::Decode, rows, rows, false));
  SLUICE_RETURN_IF_ERROR(backend->startTrace());
  SLUICE_RETURN_IF_ERROR(
      executor->execute(EntryPoint::Decode, rows, rows, false));
  SLUICE_ASSIGN_OR_RETURN(trace.spans, backend->takeTrace());
  return trace;
}

} // namespace sluice::tools
