//===- backends.h - The backends that tests run on --------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"

#include <string>
#include <vector>

namespace sluice::testing {

/// A backend by the name tests carry, and how to make it.
struct BackendCase {
  const char *name;
  Result<std::unique_ptr<Backend>> (*make)();
};

/// Every backend that is compiled in and whose device is there. A backend
/// without its device is left out, and one line on stderr says so.
const std::vector<BackendCase> &backendsUnderTest();
/// These and the virtual ones, whose kernels compute nothing.
const std::vector<BackendCase> &allBackendsUnderTest();

} // namespace sluice::testing
