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
#include "runtime/plan/verify/expert_order.h"
#include "runtime/plan/verify/indices.h"

namespace sluice::plan {

class EntryVerifier {
public:
  /// `isLoad`: the entry runs once, before the others, and only moves data.
  EntryVerifier(Context &context, const fb::Entry &entry, bool isLoad)
      : context(context), entry(entry), isLoad(isLoad), origins(context),
        experts(context.bankCount()) {}

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

  // graphs.cpp
  Status verifyGraphMember(const fb::Instruction &instruction);
  Status verifyGraphBegin(const fb::GraphBegin &begin);
  Status verifyGraphEnd(const fb::GraphEnd &end);

  // expert_steps.cpp
  Status verifyExpertStep(const fb::Instruction &instruction);
  Status verifyDemand(const fb::ExpertDemand &demand);
  Status verifySplit(const fb::ExpertSplit &split);
  Status verifyRunHost(const fb::ExpertRunHost &run);
  Status verifyRun(const fb::ExpertRun &run);
  Status verifyRunTensor(const fb::ExpertRun &run);
  Status verifyJoin(const fb::ExpertJoin &join);
  Status verifyPrefetch(const fb::ExpertPrefetch &prefetch);
  Status checkBank(uint32_t bank);
  Status checkStream(fb::StreamKind wanted);
  Status checkDemandEvent(uint32_t event);
  Status advance(uint32_t bank, uint32_t part, ExpertOrder::Stage stage);
  struct ExpertOperand;
  Status verifyOperand(const ExpertOperand &operand);

  // launch.cpp
  Status verifyLaunch(const fb::Launch &launch);
  Status verifyShape(const fb::Launch &launch, const Signature &signature);
  Status verifyModelDims(const fb::Launch &launch, const Signature &signature);
  Status verifyOperand(const fb::Launch &launch, const Signature &signature,
                       int operand);
  Status verifyStandIn(uint32_t buffer, uint64_t bytes, Access access,
                       const std::string &what);
  /// On some backends nothing is ever brought there, so nobody else may look.
  Status checkNotStaged(uint32_t buffer, const std::string &what);
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

  /// Which instruction a step of the schedule belongs to.
  std::vector<uint32_t> stepInstruction;
  /// Who records an event: an instruction, or kNoStep while nobody has.
  std::vector<uint32_t> recordedBy;
  uint32_t openGraph = kNoGraph; ///< The instruction that began it.
  uint32_t graphs = 0;           ///< How many have begun.
  ExpertOrder experts;
  /// The last instruction that makes Compute work on experts, or kNoStep.
  uint32_t lastExpertWork = kNoStep;
  /// By buffer: the source that launches may read in place of a buffer to which
  /// a join of this entry brings it, else kNoBuffer.
  std::vector<uint32_t> standIns;
  /// Of the part that is open.
  const fb::ExpertRunHost *runHost = nullptr;
  const fb::ExpertRun *expertRun = nullptr;

  static constexpr uint32_t kNoGraph = 0xffffffff;
};

/// An element type of the plan as kernels know it; the enums agree.
inline DType toDType(fb::DType type) { return static_cast<DType>(type); }

} // namespace sluice::plan
