//===- timeline.h - Streams, events and a bus in virtual time ---*- C++ -*-===//
//
// A discrete-event simulation of what a backend's streams do. Commands are
// queued with the time at which the host enqueued them; a command is ready when
// it has been enqueued and what stands before it on its stream is over. The
// timeline takes ready commands in the order of those times (ties: the lower
// stream first), so a copy engine serves copies first come, first served,
// whichever stream they are on, and the result does not depend on when the host
// looks.
//
// One more thing takes time, the host's job, and it shares the host's memory
// with the copies to the device: while a job and a copy run, both are slower by
// factors that the owner gives. A copy that is on the wire when a job begins
// therefore ends later than was said, and what waits for it, too.
//
// All times are microseconds since the beginning.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace sluice::sim {

/// What serves one piece of work at a time, besides the stream itself.
enum class Engine : uint8_t { None, ToDevice, ToHost };
inline constexpr int kEngineCount = 3;

/// One piece of work on a stream. The timeline asks for its duration when its
/// turn comes, because what a kernel costs may lie in memory that earlier work
/// fills.
struct Work {
  Engine engine = Engine::None;
  uint64_t tag = 0; ///< The owner's: says which work it is.
};

/// What work takes when nothing disturbs it.
struct Cost {
  double us = 0;
  double rate = 0; ///< What it reads from host memory, GB/s.
};

/// How many times longer a copy and the host's job take while both run; at
/// least 1.
struct Slowdown {
  double copy = 1, job = 1;
};

/// What the timeline's owner does with work.
class WorkRunner {
public:
  virtual ~WorkRunner() = default;
  /// The work's turn has come: does what it does to memory and returns what it
  /// takes.
  virtual Cost begin(const Work &work) = 0;
  /// The work occupied `stream` from `start` to `end`.
  virtual void ran(int stream, const Work &work, double start, double end) = 0;
  /// A copy to the device and a job of these rates.
  virtual Slowdown together(double copyRate, double jobRate) = 0;
  /// A copy on `stream` of which `ran` said that it starts at `saidStart`
  /// starts and ends later, because a job began.
  virtual void moved(int stream, double saidStart, double start,
                     double end) = 0;
};

class Timeline {
public:
  static constexpr int kStreams = 4;

  explicit Timeline(WorkRunner &runner) : runner(runner) {}

  /// Events 0 .. count-1 exist afterwards; old ones keep their state.
  void reserveEvents(uint32_t count);
  uint32_t events() const { return uint32_t(latest.size()); }

  // Enqueues at host time `now`, which never decreases.
  void enqueue(int stream, const Work &work, double now);
  void record(int stream, uint32_t event, double now);
  /// Waits for the record of `event` enqueued last; never recorded: for
  /// nothing.
  void wait(int stream, uint32_t event, double now);

  /// The host's job begins at `now`; the one before must be finished.
  void startJob(const Cost &cost, double now);
  /// Gives the running job `us` less to do, as it takes alone, or what is left
  /// of it at `now`; how much less.
  double shortenJob(double us, double now);
  /// Runs what is ready before the job ends; the time when it ends.
  double finishJob();
  /// What is enqueued on `stream` from here on starts `after` microseconds
  /// behind the end of the job that runs, or later.
  void waitForJob(int stream, double now, double after = 0);

  /// Runs everything that is ready at `now` or before.
  void advanceTo(double now);
  /// Runs until the latest record of `event` is reached; its time, or 0 when it
  /// was never recorded.
  double finishEvent(uint32_t event);
  /// Runs until nothing is queued on `stream`; the time when its last work
  /// ended.
  double finishStream(int stream);
  /// True when the latest record of `event` was reached at `now` or before.
  /// Call advanceTo first.
  bool reached(uint32_t event, double now) const;

private:
  static constexpr uint32_t kNone = 0xffffffff;

  /// One record of an event, alive while the event or a queued wait means it.
  struct Record {
    double time = 0;
    bool done = false;
    uint32_t uses = 0;
  };
  struct Command {
    enum Kind : uint8_t { Run, Record, Wait } kind;
    double enqueued;
    uint32_t record = kNone; ///< Of Record and Wait.
    Work work;
    double after = 0; ///< Of a Wait: behind its record.
  };

  /// A copy to the device that was taken.
  struct Copying {
    int stream;
    double ready, us, rate; ///< us: of its own, without what disturbs it.
    double start, end;
  };

  uint32_t newRecord();
  void drop(uint32_t record);
  /// When the first command of the stream is ready, or infinity.
  double readyTime(int stream) const;
  /// The stream whose first command is ready first, or -1.
  int nextStream(double &ready) const;
  void runNext(int stream, double ready);
  /// Puts a copy that takes `us` alone on the wire at `start`, beside the job
  /// while that runs; its end. In the order of the wire.
  double layOut(double start, double us, double rate);

  WorkRunner &runner;
  std::array<std::deque<Command>, kStreams> queues;
  std::array<double, kStreams> streamEnd = {};
  std::array<double, kEngineCount> engineEnd = {};
  /// Copies that may not be over for the host yet, in the order of the wire.
  std::deque<Copying> wire;
  Cost job;                ///< us: what is left of it alone at jobAt.
  double jobAt = 0;        ///< Until then everything beside it is laid out.
  uint32_t jobEnd = kNone; ///< Its record while it runs.
  std::vector<Record> records;
  std::vector<uint32_t> unused; ///< Records to use again.
  std::vector<uint32_t> latest; ///< The record of each event.
};

} // namespace sluice::sim
