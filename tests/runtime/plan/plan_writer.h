//===- plan_writer.h - Plans written by hand --------------------*- C++ -*-===//
//
// A plan in FlatBuffers' object form, which tests can build step by step and
// spoil in one place before they pack it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/plan/plan_generated.h"

#include <string>
#include <vector>

namespace sluice::testing {

namespace fb = plan::fb;

/// An absent optional operand.
inline constexpr uint32_t kNone = 0xffffffff;

/// The file of a plan.
std::vector<uint8_t> pack(const fb::PlanT &plan);

/// Makes the fingerprint fit the files again.
void sealFingerprint(fb::PlanT &plan);

/// The index of the buffer with this name; fails the test when there is none.
uint32_t findBuffer(const fb::PlanT &plan, const std::string &name);

/// Appends to a plan. Buffers of an arena lie one after the other.
class PlanWriter {
public:
  PlanWriter(fb::PlanT &plan, std::string &weights)
      : plan(plan), weights(weights) {}

  uint32_t arena(const std::string &name, fb::MemoryKind kind);
  uint32_t buffer(uint32_t arena, const std::string &name, fb::DType type,
                  uint64_t elements);
  /// Random bf16 weights, appended to the checkpoint's data and fetched on
  /// Demand by the load entry into a buffer of `arena`.
  uint32_t weight(uint32_t arena, const std::string &name, uint64_t elements);
  /// The next `elements` random bf16 weights of the checkpoint, as a range that
  /// goes to `targetOffset`.
  fb::Range range(uint64_t elements, uint64_t targetOffset);
  uint32_t source(const std::string &tensor, std::vector<fb::Range> ranges);
  /// A source that the load entry fetches into `target`.
  void fetch(const std::string &tensor, std::vector<fb::Range> ranges,
             uint32_t target);
  /// Puts header and data together into the file 'model.safetensors' and
  /// writes its size and hash into the plan. Returns the file.
  std::string finish();

  fb::PlanT &plan;

private:
  std::string &weights;
  uint32_t random = 12345;
};

/// Appends to one entry.
class EntryWriter {
public:
  EntryWriter(PlanWriter &writer, fb::EntryT &entry)
      : writer(writer), entry(entry) {}

  void launch(Kernel kernel, std::vector<uint32_t> operands,
              std::vector<int64_t> dims, std::vector<float> scalars = {},
              fb::RowKind rows = fb::RowKind::Rows);
  void copy(fb::StreamKind stream, uint32_t source, uint32_t target,
            fb::RowKind rows, uint64_t bytes, bool recording = false);
  /// `stream` records an event of its own, whose number this returns.
  uint32_t record(fb::StreamKind stream);
  /// Appends any other instruction.
  template <typename T> void add(fb::StreamKind stream, T operation) {
    auto instruction = std::make_unique<fb::InstructionT>();
    instruction->stream = stream;
    instruction->operation.Set(std::move(operation));
    entry.instructions.push_back(std::move(instruction));
  }
  /// `after` waits for what `before` has done so far.
  void order(fb::StreamKind before, fb::StreamKind after);
  /// A host buffer as an input, and its copy on the device.
  uint32_t input(uint32_t io, uint32_t workspace, fb::Role role,
                 fb::RowKind rows, uint64_t elements);
  /// A host buffer that a copy on CopyBack fills from `source`.
  void output(uint32_t io, uint32_t source, fb::Role role, uint32_t layer,
              fb::RowKind rows, uint64_t elements);

private:
  uint64_t most(fb::RowKind rows) const;

  PlanWriter &writer;
  fb::EntryT &entry;
};

} // namespace sluice::testing
