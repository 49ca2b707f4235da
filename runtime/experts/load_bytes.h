//===- load_bytes.h - What a load moves -------------------------*- C++ -*-===//
#pragma once

#include "runtime/io/safetensors.h"
#include "runtime/plan/plan_generated.h"

#include <cstdint>

namespace sluice::experts {

/// Bytes that the load entry fetches.
uint64_t fetchedBytes(const plan::fb::Plan &plan);

/// Bytes of the experts whose home is the host.
uint64_t hostPoolBytes(const plan::fb::Plan &plan);

/// The element type of weights in files.
StorageType storageType(plan::fb::DType type);

/// Threads that load: `asked`, or for 0 one a core the process may use, at most
/// 16.
unsigned loadThreads(unsigned asked);

} // namespace sluice::experts
