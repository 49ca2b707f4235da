//===- run_tiny.h - Loading and stepping the tiny plans ---------*- C++ -*-===//
#pragma once

#include "runtime/executor/executor.h"
#include "tests/runtime/io/temporary_directory.h"
#include "tests/runtime/plan/tiny_model.h"

#include <cstring>
#include <span>
#include <vector>

namespace sluice::testing {

/// A plan and its checkpoint on disk.
class TinyOnDisk {
public:
  explicit TinyOnDisk(const TinyPlan &tiny) {
    directory.write("model.safetensors", tiny.checkpoint);
    auto result = plan::Plan::fromBytes(pack(tiny.plan), "tiny.plan");
    EXPECT_TRUE(result.isOk()) << result.status().message();
    plan = *result;
  }

  Result<std::unique_ptr<Executor>> load(Backend &backend) {
    return Executor::create(plan, backend, {directory.path(), {}});
  }

  TemporaryDirectory directory;
  std::shared_ptr<const plan::Plan> plan;
};

/// One row of a step.
struct Row {
  int32_t token, position, sequence;
};

inline std::span<int32_t> ints(Executor &executor, EntryPoint entry,
                               fb::Role role) {
  std::span<std::byte> bytes = executor.input(entry, role);
  return {reinterpret_cast<int32_t *>(bytes.data()), bytes.size() / 4};
}

/// Fills the inputs; sequence s has the pages s * pages_per_sequence and up.
inline void fill(Executor &executor, EntryPoint entry,
                 const std::vector<Row> &rows,
                 const std::vector<int32_t> &logitRows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    ints(executor, entry, fb::Role::Tokens)[i] = rows[i].token;
    ints(executor, entry, fb::Role::Positions)[i] = rows[i].position;
    ints(executor, entry, fb::Role::Sequences)[i] = rows[i].sequence;
  }
  const fb::Model &model = *executor.plan().get().model();
  std::span<int32_t> table = ints(executor, entry, fb::Role::PageTable);
  for (size_t i = 0;
       i < size_t(model.max_sequences()) * model.pages_per_sequence(); ++i)
    table[i] = int32_t(i % model.pages());
  for (size_t i = 0; i < logitRows.size(); ++i)
    ints(executor, entry, fb::Role::LogitRowIds)[i] = logitRows[i];
}

inline std::vector<float> floats(const Executor &executor, EntryPoint entry,
                                 fb::Role role, size_t count) {
  std::span<const std::byte> bytes = executor.output(entry, role, 0);
  EXPECT_GE(bytes.size(), count * 4);
  std::vector<float> values(count);
  if (count > 0)
    std::memcpy(values.data(), bytes.data(), count * 4);
  return values;
}

/// Runs a step and returns the logits of its logit rows.
inline std::vector<float> step(Executor &executor, EntryPoint entry,
                               const std::vector<Row> &rows,
                               const std::vector<int32_t> &logitRows,
                               bool recording = false) {
  fill(executor, entry, rows, logitRows);
  Status status =
      executor.execute(entry, rows.size(), logitRows.size(), recording);
  EXPECT_TRUE(status.isOk()) << status.message();
  return floats(executor, entry, fb::Role::Logits,
                logitRows.size() * executor.plan().get().model()->vocab());
}

} // namespace sluice::testing
