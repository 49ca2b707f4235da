//===- engine.h - Moves experts and runs them where they are ----*- C++ -*-===//
//
// Executes the Expert instructions of a plan (runtime/plan/plan.fbs says what
// each one means) on any backend. One function an instruction, each in a file
// of its name. The plan's verifier has proved what they rely on: one bank open
// at a time, demand before fetch before run before release, and that all
// compute enqueued before a demand is over when its event is reached.
//
// Correct whatever the number of slots, from kMinimumSlots on: a slot that is
// needed again within a layer is overwritten only behind the wave that reads
// it.
//
// Nothing allocates after load. After a failure the engine must not be used
// again; abort() has ended whatever was under way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/balance.h"
#include "runtime/executor/experts/bus_progress.h"
#include "runtime/executor/experts/demand.h"
#include "runtime/executor/experts/host_job.h"
#include "runtime/executor/experts/host_tables.h"
#include "runtime/executor/experts/operands.h"
#include "runtime/executor/experts/prefetcher.h"
#include "runtime/executor/experts/transfers.h"
#include "runtime/executor/experts/wave_tables.h"
#include "runtime/experts/routing_source.h"

namespace sluice::experts {

class Engine {
public:
  /// Events that an engine for `plan` needs.
  static uint32_t events(const plan::fb::Plan &plan);

  /// Binds pools and banks. Owns the events from `firstEvent` on. `policy` as
  /// in LoadOptions.
  static Result<std::unique_ptr<Engine>> create(const plan::fb::Plan &plan,
                                                Backend &backend,
                                                const BoundMemory &memory,
                                                uint32_t firstEvent,
                                                const std::string &policy);
  /// Makes room for the host's part of an instruction; while it is bound.
  Status prepareHost(uint32_t bank, uint32_t maxRows);
  /// Brings the experts into slots that the plan says are there from the start,
  /// and keeps the home.
  Status load(std::unique_ptr<ExpertHome> home, const plan::fb::Plan &plan);
  ~Engine();

  /// Replaces what the routers say; null: nothing does.
  void setRouting(RoutingSource *source) { routing = source; }
  /// Counts what follows what, for the guesses of ExpertPrefetch. Off at first.
  void learn() { learning = true; }

  /// Around the instructions of an entry point; step counts from 0. beforeEnd
  /// comes when all of them are enqueued, endStep after compute, demand and
  /// copy-back have been synchronized.
  void beginStep(uint64_t step);
  Status beforeEnd();
  Status endStep();
  /// After a failure: joins host work and waits for all streams.
  void abort();

  // The instructions. `rows` are those of the step.
  Status demand(const DemandOperands &operands, uint32_t rows);
  Status split(float share);
  Status fetch();
  Status runHost(const HostOperands &operands);
  Status run(const RunOperands &operands, uint32_t rows);
  Status join(const JoinOperands &operands);
  Status release(bool forget);
  Status prefetch(uint32_t bank, uint32_t from, uint32_t limit);

  Counters counters() const { return store.counters(); }
  const Bank &bank(uint32_t index) const { return store.banks[index]; }
  Balance::Seen seen(uint32_t bank) const { return balance.seen(bank); }

private:
  Engine(Backend &backend, Store store, const plan::fb::Plan &plan,
         uint32_t firstEvent);

  // demand.
  Status awaitIds(uint32_t event);
  void lookUp();
  void releaseHeld();

  // What the host does while it waits.
  Status pump();
  Status takeArrivals();
  Status take(const ExpertHome::Arrival &arrival);

  // fetch.
  Status startReads();
  Status fillSlots();
  void trackBus(double startUs);
  Status lookAtBus();
  void learnFromBus();
  Status observeHost();
  Result<bool> send(uint32_t index, const std::byte *image, bool fromRing,
                    bool isLast = false);

  // join.
  bool fillShares(int32_t *shares) const;

  // run.
  Status beginTables(const RunOperands &operands);
  size_t nextWave() const;
  Status launchWave(const RunOperands &operands, uint32_t rows, size_t end);
  Result<uint32_t> awaitItems(size_t end);
  Status launchKernels(const RunOperands &operands, uint32_t rows, size_t end,
                       uint32_t awaited);
  Status takeTail(const RunOperands &operands, uint32_t rows);
  Result<double> tailExperts();
  Status takeRound(size_t end, double projections);
  size_t takeTailSlots(size_t end, size_t count);
  Status runTail(const RunOperands &operands, uint32_t rows, size_t end);
  Status bringInner(const RunOperands &operands, size_t end);
  KernelArgs upArgs(const RunOperands &operands, size_t first,
                    size_t end) const;
  KernelArgs downArgs(const KernelArgs &up, const RunOperands &operands) const;
  Status numberWave(size_t end);
  bool giveUpWave();
  Status waitForSomething();

  // load.
  Status loadOne(Bank &bank, uint32_t expert);
  Status loadSlot(Bank &bank, uint32_t expert, const std::byte *image,
                  bool fromRing);
  Status drainOne();

  Backend &backend;
  Store store;
  Transfers transfers;
  /// On compute, when the CPU's pairs are known there; on the stream that
  /// brings the CPU's inner rows, when it has.
  static constexpr uint32_t kOwnEvents = 2;
  const uint32_t tablesEvent, innerEvent;
  Prefetcher prefetcher;
  Demand wanted;
  WaveTables tables;
  HostTables hostTables;
  HostJob host;
  Balance balance;
  double onHost = 0; ///< Experts of the CPU's job, but for its tail.
  double hostStartUs = 0;
  bool hostThreads = false; ///< Whether host work has made its threads.
  /// The copies of the open demand, and what was on its way before.
  BusProgress bus;
  /// Whether the balance is to be told when all of them are there.
  bool learnsBus = false;
  /// Experts of the CPU's job from here on have their inner rows on the device.
  size_t innerFrom = 0;
  std::unique_ptr<ExpertHome> home;
  RoutingSource *routing = nullptr;
  uint64_t step = 0;
  bool forgetHeld = false; ///< What the latest demand brought.
  bool learning = false;

  /// The item of the open demand whose image moves in two, or kNone.
  uint32_t inTwo = kNone;
  size_t launched = 0; ///< Items of the open demand's sequence.
  size_t released = 0; ///< Of these, whose slots were given up already.
  std::vector<size_t> waveEnds; ///< Of numbered waves, into the sequence.
  size_t releasedWaves = 0;
  /// Of all launches since the last demand: backends read them late.
  std::vector<KernelArgs> waveArgs;
  size_t launches = 0;
};

} // namespace sluice::experts
