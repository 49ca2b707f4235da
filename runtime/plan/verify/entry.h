//===- entry.h - Verifies one entry point -----------------------*- C++ -*-===//
//
// Walks the instructions in order. Each kind of instruction has its own check;
// all of them feed the origins of indices and the schedule that the race
// detector sees at the end.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/signatures.h"
#include "runtime/plan/hazards.h"
#include "runtime/plan/verify/context.h"
#include "runtime/plan/verify/indices.h"

namespace sluice::plan {

class EntryVerifier {
public:
  /// `isLoad`: the entry runs once, before the others, and only moves data.
  EntryVerifier(Context &context, const fb::Entry &entry, bool isLoad)
      : context(context), entry(entry), isLoad(isLoad), origins(context) {}

  Status run();

  /// Where this entry's schedule keeps what must outlive a step. To be set
  /// before run() by whoever knows the whole plan.
  std::vector<bool> persistent;

private:
  // ports.cpp
  Status verifyLimits();
  Status
  verifyPorts(const flatbuffers::Vector<flatbuffers::Offset<fb::Port>> &ports,
              bool inputs);
  Status verifyPort(const fb::Port &port, bool input, const std::string &where);
  Status verifyOutputsWritten();

  // entry.cpp
  Status verifyInstruction(uint32_t index);
  Status verifyEvent(uint32_t event, HazardStep::Kind kind);
  Status verifyHazards();
  std::string name(uint32_t instruction) const;
  uint64_t mostRows(fb::RowKind rows) const;
  Status checkWritable(uint32_t buffer);

  // launch.cpp
  Status verifyLaunch(const fb::Launch &launch);
  Status verifyShape(const fb::Launch &launch, const Signature &signature);
  Status verifyModelDims(const fb::Launch &launch, const Signature &signature);
  Status verifyOperand(const fb::Launch &launch, const Signature &signature,
                       int operand);
  Status verifyTensorClass(const fb::Launch &launch,
                           const Signature &signature);

  // copy.cpp
  Status verifyCopy(const fb::Copy &copy);
  Status verifyFetch(const fb::Fetch &fetch);

  void beginStep(HazardStep::Kind kind, uint32_t event = 0);
  void addAccess(uint32_t buffer, uint64_t offset, uint64_t bytes,
                 Access access);

  /// A copy that fills an output port, as it was found.
  struct OutputCopy {
    fb::RowKind rows = fb::RowKind::Fixed;
    uint64_t bytes = 0;
    bool found = false;
    bool recording = false;
  };

  Context &context;
  const fb::Entry &entry;
  const bool isLoad;
  uint32_t current = 0; ///< The instruction being verified.
  std::string where;    ///< The same, for errors.
  IndexOrigins origins;
  Schedule schedule;
  /// The input port that is this buffer, or null.
  std::vector<const fb::Port *> inputPort;
  std::vector<OutputCopy> outputCopies;
};

/// An element type of the plan as kernels know it; the enums agree.
inline DType toDType(fb::DType type) { return static_cast<DType>(type); }

} // namespace sluice::plan
