//===- cuda_backend.h - Plans on an NVIDIA GPU ------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"

namespace sluice {

/// A backend on CUDA device `device` (0-based): one non-blocking stream of each
/// kind, events without timing, plain device memory, pinned host memory (or
/// pageable, said once on stderr, when the system refuses to pin). Errors:
/// Device when there is no driver, no GPU or no such device, or it has no code
/// in this build; the message says which.
Result<std::unique_ptr<Backend>> makeCudaBackend(int device);

} // namespace sluice
