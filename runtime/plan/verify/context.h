//===- context.h - What all parts of the plan verifier share ----*- C++ -*-===//
//
// The plan under test, facts about it that several checks need, and one way to
// word an error: "m.plan: prefill instruction 12 (linear): found, expected".
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/plan/plan_generated.h"
#include "runtime/plan/version.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::plan {

/// Who fills a buffer at load time. Such a buffer is never written again.
enum class Filled : uint8_t { No, Constant, RopeTable, Fetch };

/// What a constant of 32-bit integers holds.
struct ConstantFacts {
  uint64_t count = 0;
  int32_t smallest = 0;
  int32_t largest = 0;
};

class Context {
public:
  Context(const fb::Plan &plan, const std::string &fileName)
      : plan(plan), fileName(fileName),
        filled(plan.buffers()->size(), Filled::No),
        managed(plan.buffers()->size(), kNoPool),
        constants(plan.buffers()->size()) {}

  /// A one-line error of kind Corrupt about `where`.
  Status fail(const std::string &where, const std::string &problem) const {
    return Status(ErrorCode::Corrupt, fileName + ": " + where + ": " + problem);
  }

  uint32_t bufferCount() const { return plan.buffers()->size(); }
  const fb::Buffer &buffer(uint32_t index) const {
    return *plan.buffers()->Get(index);
  }
  fb::MemoryKind kind(uint32_t buffer) const {
    return plan.arenas()->Get(this->buffer(buffer).arena())->kind();
  }
  /// "buffer 3 'hidden'".
  std::string describe(uint32_t buffer) const;
  /// Fails when `index` names no buffer, or one that belongs to an expert pool:
  /// those the runtime alone moves data in.
  Status checkBuffer(const std::string &where, const char *what,
                     uint32_t index) const;

  uint32_t bankCount() const {
    return plan.expert_banks() ? plan.expert_banks()->size() : 0;
  }

  static constexpr uint32_t kNoPool = 0xffffffff;

  const fb::Plan &plan;
  const std::string &fileName;
  std::vector<Filled> filled;
  std::vector<uint32_t> managed; ///< The pool a buffer belongs to, or kNoPool.
  std::vector<ConstantFacts> constants;
};

/// Text of a plan made fit for one line of an error: control characters become
/// '?', long text is cut.
std::string printable(const flatbuffers::String &text);

/// "found 3, expected at most 2".
std::string expected(uint64_t found, const std::string &what);

/// Whether the elements of a vector lie where their type may lie: FlatBuffers'
/// own verifier looks at the alignment of a vector's length alone. An empty
/// vector has no element to align.
template <typename Element, typename Vector>
bool isAligned(const Vector &vector) {
  return vector.size() == 0 ||
         reinterpret_cast<uintptr_t>(vector.Data()) % alignof(Element) == 0;
}

/// a * b, or false when it overflows.
inline bool multiply(uint64_t a, uint64_t b, uint64_t &product) {
  return !__builtin_mul_overflow(a, b, &product);
}

// The parts of the verifier, in the order they run: each relies on what the
// ones before it have proved.
Status verifyModel(Context &context);
Status verifyFiles(Context &context);
Status verifyMemory(Context &context);
Status verifyPools(Context &context);
Status verifyData(Context &context);
Status verifyBanks(Context &context);
Status verifyEntries(Context &context);

} // namespace sluice::plan
