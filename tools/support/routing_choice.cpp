//===- routing_choice.cpp - --routing: ids that no router chose -----------===//

#include "tools/support/routing_choice.h"

#include <algorithm>

namespace sluice::tools {
namespace {

bool expertsMove(const plan::fb::Plan &plan) {
  return plan.expert_banks() && plan.expert_banks()->size() > 0;
}

} // namespace

bool replacesRouter(const std::string &text) {
  return !text.empty() && text != "model";
}

Result<std::unique_ptr<experts::RoutingSource>>
openRouting(const std::string &text, const plan::Plan &plan) {
  if (!replacesRouter(text))
    return std::unique_ptr<experts::RoutingSource>();
  const plan::fb::Plan &root = plan.get();
  if (!expertsMove(root))
    return Status(ErrorCode::InvalidArgument,
                  "--routing " + text + ": all experts of " + plan.name() +
                      " stay on the device, expected a plan with a smaller "
                      "--gpu-memory");
  experts::RoutingShape shape;
  shape.banks = root.expert_banks()->size();
  shape.experts = root.model()->experts();
  shape.topK = root.model()->top_k();
  shape.sequences = root.model()->max_sequences();
  for (const plan::fb::Entry *entry : *root.entries())
    shape.maxRows = std::max(shape.maxRows, entry->max_rows());

  experts::RoutingExpectation expectation;
  expectation.model = root.model()->name()->str();
  expectation.fingerprint = root.fingerprint();
  expectation.experts = shape.experts;
  expectation.topK = shape.topK;
  for (const plan::fb::ExpertBank *bank : *root.expert_banks())
    expectation.layers.push_back(bank->layer());
  return experts::parseRoutingSource(text, shape, expectation);
}

Status checkRouting(const Backend &backend, const plan::Plan &plan,
                    const experts::RoutingSource *routing) {
  if (!backend.isVirtual() || routing || !expertsMove(plan.get()))
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                "--backend " + std::string(backend.name()) +
                    ": its kernels compute nothing, so no router says which "
                    "experts " +
                    plan.name() +
                    " needs; expected --routing replay:FILE or synthetic:...");
}

} // namespace sluice::tools
