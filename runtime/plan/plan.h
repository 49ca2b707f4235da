//===- plan.h - A verified plan ---------------------------------*- C++ -*-===//
//
// The only way to a plan's contents. Whoever holds a `Plan` holds one that
// passed verification of structure and of meaning: every index is in range,
// every operand fits its buffer, every hazard is ordered. There is no way
// around the verifier.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/plan/plan_generated.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::plan {

/// A plan in memory. Immutable, so any number of threads may read it.
class Plan {
public:
  /// Reads and verifies the file at `path`. Errors: Io or NotFound when it
  /// cannot be read, Corrupt when it is no plan or breaks a rule, Unsupported
  /// for another version.
  static Result<std::shared_ptr<const Plan>> open(const std::string &path);

  /// The same for bytes already in memory; `name` stands in errors where the
  /// path would.
  static Result<std::shared_ptr<const Plan>>
  fromBytes(std::vector<uint8_t> bytes, std::string name);

  const fb::Plan &get() const { return *root; }
  /// The path or name it was opened by.
  const std::string &name() const { return fileName; }
  /// The file's bytes, size() of them.
  const uint8_t *data() const { return storage.data(); }
  /// Bytes of the file.
  uint64_t size() const { return storage.size(); }

private:
  Plan(std::vector<uint8_t> bytes, std::string name);

  std::vector<uint8_t> storage;
  std::string fileName;
  const fb::Plan *root = nullptr;
};

} // namespace sluice::plan
