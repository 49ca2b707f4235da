//===- expert_steps.cpp - Steps that the expert engine runs ---------------===//

#include "runtime/executor/experts/engine.h"
#include "runtime/executor/steps.h"

namespace sluice {

Status run(const ExpertDemandStep &step, Backend &, const StepSize &size) {
  return step.engine->demand(step.operands, size.rows);
}

Status run(const ExpertSplitStep &step, Backend &, const StepSize &) {
  return step.engine->split(step.share);
}

Status run(const ExpertFetchStep &step, Backend &, const StepSize &) {
  return step.engine->fetch();
}

Status run(const ExpertRunHostStep &step, Backend &, const StepSize &) {
  return step.engine->runHost(step.operands);
}

Status run(const ExpertRunStep &step, Backend &, const StepSize &size) {
  return step.engine->run(step.operands, size.rows);
}

Status run(const ExpertJoinStep &step, Backend &, const StepSize &) {
  return step.engine->join(step.operands);
}

Status run(const ExpertReleaseStep &step, Backend &, const StepSize &) {
  return step.engine->release(step.forget);
}

Status run(const ExpertPrefetchStep &step, Backend &, const StepSize &) {
  return step.engine->prefetch(step.bank, step.from, step.limit);
}

} // namespace sluice
