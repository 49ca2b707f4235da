//===- steps.h - Resolved instructions --------------------------*- C++ -*-===//
//
// What is left of the plan's instructions after load: pointers, sizes and
// kernels, nothing to look up. One type and one short run() an instruction
// kind; executing an entry point is calling them in order.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/executor/experts/operands.h"
#include "runtime/plan/plan_generated.h"

#include <variant>

namespace sluice {

/// What varies from step to step.
struct StepSize {
  uint32_t rows = 0;
  uint32_t logitRows = 0;
  bool recording = false;

  /// What an instruction of this kind is multiplied by.
  int64_t count(plan::fb::RowKind kind) const {
    switch (kind) {
    case plan::fb::RowKind::Rows:
      return rows;
    case plan::fb::RowKind::LogitRows:
      return logitRows;
    default:
      return 1;
    }
  }
};

struct LaunchStep {
  StreamKind stream;
  const char *name; ///< The kernel's, for traces.
  int32_t layer;    ///< What it works for, for traces; -1: no layer.
  plan::fb::RowKind rows;
  KernelHandle kernel;
  KernelArgs args;
};

struct CopyStep {
  StreamKind stream;
  plan::fb::RowKind rows;
  bool recording;
  MemoryKind targetKind, sourceKind;
  void *target;
  const void *source;
  uint64_t bytes;        ///< In all for Fixed, else a row.
  const void *targetEnd; ///< Of the buffer that `target` is.
};

struct RecordStep {
  StreamKind stream;
  uint32_t event;
};

struct WaitStep {
  StreamKind stream;
  uint32_t event;
};

/// Copies to the host at the end of a stretch that may be captured, and the
/// record behind it: bind_reports.h.
struct ReportStep {
  static constexpr uint32_t kMaxCopies = 2;

  StreamKind stream;
  uint32_t event;
  uint32_t count;
  CopyStep copies[kMaxCopies];
};

/// The instructions between this and `end` may be captured; graphs.h does.
struct GraphBeginStep {
  StreamKind stream;
  uint32_t graph;
  size_t end; ///< The step of GraphEnd.
};

struct GraphEndStep {};

// The steps of experts hand their operands to the engine.

struct ExpertDemandStep {
  experts::Engine *engine;
  experts::DemandOperands operands;
};

struct ExpertSplitStep {
  experts::Engine *engine;
  float share;
};

struct ExpertFetchStep {
  experts::Engine *engine;
};

struct ExpertRunHostStep {
  experts::Engine *engine;
  experts::HostOperands operands;
};

struct ExpertRunStep {
  experts::Engine *engine;
  experts::RunOperands operands;
};

struct ExpertJoinStep {
  experts::Engine *engine;
  experts::JoinOperands operands;
};

struct ExpertReleaseStep {
  experts::Engine *engine;
  bool forget;
};

struct ExpertPrefetchStep {
  experts::Engine *engine;
  uint32_t bank, from, limit;
};

using Step = std::variant<LaunchStep, CopyStep, RecordStep, WaitStep,
                          ReportStep, GraphBeginStep, GraphEndStep,
                          ExpertDemandStep, ExpertSplitStep, ExpertFetchStep,
                          ExpertRunHostStep, ExpertRunStep, ExpertJoinStep,
                          ExpertReleaseStep, ExpertPrefetchStep>;

Status run(const LaunchStep &step, Backend &backend, const StepSize &size);
Status run(const CopyStep &step, Backend &backend, const StepSize &size);
Status run(const RecordStep &step, Backend &backend, const StepSize &size);
Status run(const WaitStep &step, Backend &backend, const StepSize &size);
Status run(const ReportStep &step, Backend &backend, const StepSize &size);
Status run(const GraphBeginStep &step, Backend &backend, const StepSize &size);
Status run(const GraphEndStep &step, Backend &backend, const StepSize &size);
Status run(const ExpertDemandStep &step, Backend &, const StepSize &size);
Status run(const ExpertSplitStep &step, Backend &, const StepSize &size);
Status run(const ExpertFetchStep &step, Backend &, const StepSize &size);
Status run(const ExpertRunHostStep &step, Backend &, const StepSize &size);
Status run(const ExpertRunStep &step, Backend &, const StepSize &size);
Status run(const ExpertJoinStep &step, Backend &, const StepSize &size);
Status run(const ExpertReleaseStep &step, Backend &, const StepSize &size);
Status run(const ExpertPrefetchStep &step, Backend &, const StepSize &size);

inline Status run(const Step &step, Backend &backend, const StepSize &size) {
  return std::visit([&](const auto &s) { return run(s, backend, size); }, step);
}

} // namespace sluice
