//===- operands.h - Resolved operands of expert instructions ----*- C++ -*-===//
//
// Pointers and sizes of what plan.fbs describes; shapes are there.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"

namespace sluice::experts {

class Engine;

/// Operands of ExpertDemand.
struct DemandOperands {
  uint32_t bank, part, parts;
  int32_t *ids; ///< Host.
  uint32_t event;
  bool all;
};

/// Operands of ExpertRun; device memory but for tablesHost.
struct RunOperands {
  KernelHandle gateUp, down, scatter;
  const char *gateUpName, *downName; ///< For traces.
  void *in;
  DType inType;
  void *inner, *outputs;
  int32_t *tables, *tablesHost;
  int64_t maxRows;
};

/// Operands of ExpertJoin; device memory but for what the names say.
struct JoinOperands {
  const float *source; ///< Host.
  float *staged;       ///< Null where kernels read `source` where it lies.
  int32_t *shares, *sharesHost;
};

/// Operands of ExpertRunHost; host memory.
struct HostOperands {
  void *in; ///< [rows, hidden]; read until the job is over.
  DType inType;
  float *outputs; ///< [rows * topK, hidden]
};

} // namespace sluice::experts
