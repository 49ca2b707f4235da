//===- steps.h - Resolved instructions --------------------------*- C++ -*-===//
//
// What is left of the plan's instructions after load: pointers, sizes and
// kernels, nothing to look up. One type and one short run() an instruction
// kind; executing an entry point is calling them in order.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
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
  uint64_t bytes; ///< In all for Fixed, else a row.
};

struct RecordStep {
  StreamKind stream;
  uint32_t event;
};

struct WaitStep {
  StreamKind stream;
  uint32_t event;
};

using Step = std::variant<LaunchStep, CopyStep, RecordStep, WaitStep>;

Status run(const LaunchStep &step, Backend &backend, const StepSize &size);
Status run(const CopyStep &step, Backend &backend, const StepSize &size);
Status run(const RecordStep &step, Backend &backend, const StepSize &size);
Status run(const WaitStep &step, Backend &backend, const StepSize &size);

inline Status run(const Step &step, Backend &backend, const StepSize &size) {
  return std::visit([&](const auto &s) { return run(s, backend, size); }, step);
}

} // namespace sluice
