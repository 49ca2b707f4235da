//===- hazards.h - A race detector for schedules ----------------*- C++ -*-===//
//
// One algorithm, used twice: by the compiler's verify-plan pass and by the
// plan verifier of the runtime. It knows no MLIR and no FlatBuffers, only a
// list of steps on streams with the byte ranges they read and write.
//
// Steps of one stream run in order. Steps of different streams are ordered by
// events alone. An entry point begins and ends with every stream idle, so each
// entry point is one schedule of its own.
//
// The host enqueues the steps. Where it waits for an event, nothing later is
// even enqueued before that event: a wait of every stream at once. It may touch
// bytes itself while it enqueues, and have a worker of its own (the CPU that
// computes experts) touch some until it joins it.
//
// What is proved of a schedule:
//  - an event is recorded once, before anything waits for it;
//  - whenever two steps of different streams touch the same bytes and one of
//    them writes, an event orders them;
//  - what is read through a buffer was written through that same buffer, and
//    nothing else wrote there in between (live ranges never overlap);
//  - what must outlive the schedule is still there at its end.
//
// Method: one vector clock a stream, for the worker and for the host (how many
// steps of each stream are known to be finished), one map from byte ranges to
// their last writer and last readers.
// Time is O(n log n) in steps and accesses.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::plan {

inline constexpr int kStreamCount = 4;
inline constexpr uint32_t kNoStep = 0xffffffff;

/// A byte range of an arena, as the steps of a schedule name it.
struct HazardBuffer {
  uint32_t arena = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  /// Holds data before the schedule starts: weights, constants, the KV cache,
  /// what the runtime fills in before a step.
  bool preset = false;
  /// Must hold its own data when the schedule ends: everything that outlives
  /// the step, and the outputs.
  bool kept = false;
};

/// One access of a step, relative to the start of its buffer.
struct HazardAccess {
  uint32_t buffer = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool reads = false;
  bool writes = false;
};

struct HazardStep {
  enum class Kind : uint8_t {
    Work,     ///< `stream` makes the accesses.
    Record,   ///< `stream` records `event`.
    Wait,     ///< `stream` waits for `event`.
    Host,     ///< The host makes the accesses before it goes on.
    HostWait, ///< The host waits for `event`, then makes the accesses.
    HostWork, ///< The host's worker makes the accesses, starting now.
    Join,     ///< `stream` waits for the host's worker; no accesses.
  };
  Kind kind = Kind::Work;
  uint8_t stream = 0; ///< Below kStreamCount. Of no meaning for the host's.
  uint32_t event = 0; ///< Of the three that have one, below Schedule::events.
  uint32_t firstAccess = 0; ///< A run of Schedule::accesses.
  uint32_t accessCount = 0;
};

/// Steps in the order in which they are enqueued. The caller has checked that
/// indices are in range and that accesses lie inside their buffers.
struct Schedule {
  std::vector<HazardBuffer> buffers;
  std::vector<HazardAccess> accesses;
  std::vector<HazardStep> steps;
  uint32_t events = 0;
};

struct Hazard {
  enum class Kind : uint8_t {
    RecordedTwice,    ///< `step` records an event a second time.
    WaitBeforeRecord, ///< `step` waits for an event not recorded yet.
    Race,             ///< No event orders `other` before `step`.
    Aliasing,         ///< Two accesses of `step` touch the same bytes and one
                      ///< of them writes.
    ReadBeforeWrite,  ///< `step` reads bytes of `buffer` nothing has written.
    Overwritten,      ///< `step` reads `buffer`, `otherBuffer` has overwritten
                      ///< it in step `other`.
    Overlap,          ///< `buffer` and `otherBuffer` both hold data from the
                      ///< start and overlap.
    Lost,             ///< `buffer` does not hold its data at the end.
  };
  Kind kind;
  uint32_t step = kNoStep;  ///< Index of a step, or kNoStep.
  uint32_t other = kNoStep; ///< The earlier step, or kNoStep.
  uint32_t buffer = 0;      ///< Not for the two event errors.
  uint32_t otherBuffer = 0; ///< For the kinds that name two (and Lost, where
                            ///< it equals `buffer` when nothing wrote at all).
};

/// The first hazard of the schedule, or nothing: then it is free of races.
std::optional<Hazard> findHazard(const Schedule &schedule);

/// What is wrong, in a few words and without names: "is not ordered after".
const char *describe(Hazard::Kind kind);

} // namespace sluice::plan
