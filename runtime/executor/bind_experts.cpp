//===- bind_experts.cpp - Operands of expert instructions -----------------===//

#include "runtime/executor/bind_experts.h"

#include "kernels/signatures.h"
#include "runtime/executor/experts/engine.h"
#include "runtime/plan/version.h"

namespace sluice {
namespace {

namespace fb = plan::fb;

static_assert(plan::kNoBuffer == experts::kNone);

class Binder {
public:
  Binder(uint32_t maxRows, const BoundMemory &memory, const fb::Plan &plan,
         Backend &backend, const StandIns &standIns, experts::Engine &engine)
      : maxRows(maxRows), memory(memory), plan(plan), backend(backend),
        standIns(standIns), engine(engine) {}

  Step bind(const fb::ExpertDemand &from) const {
    return ExpertDemandStep{&engine,
                            {from.bank(), from.part(), from.parts(),
                             at<int32_t>(from.ids()), from.event(),
                             from.all()}};
  }

  Result<Step> bind(const fb::ExpertRunHost &from) const {
    SLUICE_RETURN_IF_ERROR(engine.prepareHost(from.bank(), maxRows));
    return Step(ExpertRunHostStep{
        &engine,
        {at<void>(from.in()), type(from.in()), at<float>(from.outputs())}});
  }

  Result<Step> bind(const fb::ExpertRun &from) const {
    auto arithmetic = static_cast<Arithmetic>(from.arithmetic());
    SLUICE_ASSIGN_OR_RETURN(
        KernelHandle gateUp,
        backend.findKernel(Kernel::ExpertGateUp, arithmetic));
    SLUICE_ASSIGN_OR_RETURN(KernelHandle down,
                            backend.findKernel(Kernel::ExpertDown, arithmetic));
    SLUICE_ASSIGN_OR_RETURN(
        KernelHandle scatter,
        backend.findKernel(Kernel::ExpertScatter, Arithmetic::Portable));
    return Step(ExpertRunStep{
        &engine,
        {gateUp, down, scatter, findSignature(Kernel::ExpertGateUp)->name,
         findSignature(Kernel::ExpertDown)->name, at<void>(from.in()),
         type(from.in()), at<void>(from.inner()), at<void>(from.outputs()),
         at<int32_t>(from.tables()), at<int32_t>(from.tables_host()),
         maxRows}});
  }

  Result<Step> bind(const fb::ExpertJoin &from) const {
    const bool inPlace = standIns.of(from.staged()) == from.source();
    return Step(ExpertJoinStep{
        &engine,
        {at<float>(from.source()), inPlace ? nullptr : at<float>(from.staged()),
         at<int32_t>(from.shares()), at<int32_t>(from.shares_host())}});
  }

private:
  template <typename T> T *at(uint32_t buffer) const {
    return reinterpret_cast<T *>(memory.buffer(buffer).data());
  }
  DType type(uint32_t buffer) const {
    return static_cast<DType>(plan.buffers()->Get(buffer)->dtype());
  }

  uint32_t maxRows;
  const BoundMemory &memory;
  const fb::Plan &plan;
  Backend &backend;
  const StandIns &standIns;
  experts::Engine &engine;
};

} // namespace

Result<Step> bindExpertInstruction(const fb::Instruction &from,
                                   uint32_t maxRows, const BoundMemory &memory,
                                   const fb::Plan &plan, Backend &backend,
                                   const StandIns &standIns,
                                   experts::Engine &engine) {
  const Binder binder(maxRows, memory, plan, backend, standIns, engine);
  switch (from.operation_type()) {
  case fb::Operation::ExpertDemand:
    return binder.bind(*from.operation_as_ExpertDemand());
  case fb::Operation::ExpertSplit:
    return Step(
        ExpertSplitStep{&engine, from.operation_as_ExpertSplit()->share()});
  case fb::Operation::ExpertFetch:
    return Step(ExpertFetchStep{&engine});
  case fb::Operation::ExpertRunHost:
    return binder.bind(*from.operation_as_ExpertRunHost());
  case fb::Operation::ExpertRun:
    return binder.bind(*from.operation_as_ExpertRun());
  case fb::Operation::ExpertJoin:
    return binder.bind(*from.operation_as_ExpertJoin());
  case fb::Operation::ExpertRelease:
    return Step(ExpertReleaseStep{&engine,
                                  from.operation_as_ExpertRelease()->forget()});
  case fb::Operation::ExpertPrefetch: {
    const fb::ExpertPrefetch &prefetch = *from.operation_as_ExpertPrefetch();
    engine.learn();
    return Step(ExpertPrefetchStep{&engine, prefetch.bank(), prefetch.from(),
                                   prefetch.limit()});
  }
  default:
    return Status(ErrorCode::Internal,
                  "an instruction that the verifier should have refused");
  }
}

} // namespace sluice
