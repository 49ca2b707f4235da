//===- transfers.h - Slot images on their way to slots ----------*- C++ -*-===//
//
// Copies of experts into slots, and what must be known of them: the event that
// says a slot has arrived, the wave that must have read a slot before it is
// overwritten, the place of the ring that is free once a copy is done.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/store.h"
#include "runtime/experts/expert_home.h"

namespace sluice::experts {

class Transfers {
public:
  /// Events of its own beside those of the slots: of waves, and of the front of
  /// an image that moves in two.
  static constexpr uint32_t kWaveEvents = 8, kEvents = kWaveEvents + 1;

  /// Owns the events firstEvent .. firstEvent + kEvents - 1.
  Transfers(Backend &backend, uint32_t firstEvent)
      : backend(backend), firstEvent(firstEvent) {}

  /// Before the first copy. `places`: of all rings together.
  void start(ExpertHome &home, uint32_t places) {
    this->home = &home;
    ringCopies.reserve(places);
  }

  /// How an image moves: in one part or two. The first of two is Bank::front()
  /// bytes, more than 0.
  enum class Part : uint8_t { Whole, InTwo };

  /// Enqueues the copy of `image` into a slot, after what still reads the slot;
  /// the slot's event is recorded behind it. An image of the ring goes back
  /// when the copy is done. In two parts, frontEvent() says when the first has
  /// arrived; until all has, no other image may move so.
  Status copyIn(StreamKind stream, const Bank &bank, uint32_t expert,
                uint32_t slot, const std::byte *image, bool fromRing,
                Part part = Part::Whole);
  /// The same for the end of an image alone, from byte `from` on.
  Status copyTail(const Bank &bank, uint32_t expert, uint32_t slot,
                  const std::byte *image, uint64_t from);
  uint32_t frontEvent() const { return firstEvent + kWaveEvents; }

  /// Makes `stream` wait for all demand copies enqueued so far.
  Status waitForDemand(StreamKind stream);

  /// Whether all demand copies enqueued so far have run.
  Result<bool> demandHasArrived() {
    if (demandEvent == kNone)
      return true;
    return backend.query(demandEvent);
  }

  /// Marks the end of a wave on the compute stream; its number.
  Result<uint64_t> recordWave();
  /// The host knows that every wave so far has run.
  void wavesAreDone() { doneWave = lastWave; }
  /// The host knows that every demand copy so far has run.
  void demandIsDone() { demandEvent = kNone; }

  /// Gives back the places whose copies are done.
  Status returnPlaces();
  /// Waits for the oldest copy out of the ring and gives its place back; false
  /// when there is none.
  Result<bool> waitForPlace();

private:
  Status prepare(StreamKind stream, const Bank &bank, uint32_t expert,
                 uint32_t slot);
  Status move(StreamKind stream, const Bank &bank, uint32_t slot,
              const std::byte *image, uint64_t from, uint64_t end);

  struct RingCopy {
    const std::byte *image;
    uint32_t event;
  };

  Backend &backend;
  ExpertHome *home = nullptr;
  uint32_t firstEvent;
  uint64_t lastWave = 0, doneWave = 0;
  uint32_t demandEvent = kNone; ///< Of the latest copy on Demand.
  std::vector<RingCopy> ringCopies;
};

} // namespace sluice::experts
