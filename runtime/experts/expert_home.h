//===- expert_home.h - Where experts are when in no slot --------*- C++ -*-===//
//
// Behind the slots of the device lie two tiers. Experts whose home is the host
// have a slot image in the host pool, filled once at load. Experts whose home
// is the disk have none: each time one is wanted it is read from the
// checkpoint into a place of a small ring, from where it is copied on.
//
//   home->startRead(bank, expert)    false: no place is free now
//   home->waitRead() or poll()       -> image, in the order of completion
//   copy the image to a slot; when the copy has finished:
//   home->doneWith(image)            the place may be read into again
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/core/status.h"
#include "runtime/executor/load_options.h"
#include "runtime/experts/arrival.h"
#include "runtime/io/file.h"
#include "runtime/plan/plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace sluice::experts {

/// The host pool and the disk tier of a plan. One thread at a time calls it.
/// Nothing but load allocates.
class ExpertHome {
public:
  /// The memory of a host buffer of the plan, given its index.
  using HostBuffer = std::function<std::span<std::byte>(uint32_t buffer)>;

  /// Fills the host pools of all pools of experts, in parallel, and makes the
  /// disk tier ready. `files` are the checkpoint's in the plan's order
  /// (openCheckpoint's) and may be closed afterwards; they are ignored, and may
  /// be empty, with options.synthetic. On a virtual backend nothing is read or
  /// filled, and reads take the time of its disk. `plan`, `backend` and the
  /// memory of `buffer` must outlive the home. A plan without pools of experts
  /// gives a home of nothing.
  ///
  /// Files are read past the page cache (O_DIRECT), so that host memory holds
  /// each expert once. Where the system refuses that or io_uring, reads go
  /// through the page cache, which is told to drop them, or through threads;
  /// one line on stderr says so.
  ///
  /// Errors: Io and Corrupt (file, tensor, what was found and expected),
  /// OutOfMemory, Internal for a plan that its verifier should have refused.
  static Result<std::unique_ptr<ExpertHome>>
  load(const plan::Plan &plan, Backend &backend, std::span<const File> files,
       const HostBuffer &buffer, const LoadOptions &options);

  /// Waits for reads in flight; those not yet begun are dropped.
  ~ExpertHome();

  /// The expert's slot image in the host pool, slot_bytes of the bank's pool,
  /// gate, up and down at the bank's offsets; aligned to kMemoryAlignment as
  /// far as slot_bytes is. Null when its home is the disk.
  const std::byte *image(uint32_t bank, uint32_t expert) const;

  /// Begins to read an expert whose home is the disk. False when no place of
  /// its pool's ring is free now: wait for an arrival, or be done with one. An
  /// expert asked for twice is read twice. Returns without waiting for the
  /// disk. InvalidArgument when its home is the host.
  Result<bool> startRead(uint32_t bank, uint32_t expert);

  using Arrival = experts::Arrival;

  /// The next expert in the order of completion, or nothing when none has
  /// arrived that was not given before. A read that failed is an error that
  /// names file, tensor, what was found and expected; its place is free again
  /// and the other reads go on.
  Result<std::optional<Arrival>> poll();
  /// The same, waiting for it. Internal when no read is in flight: never a
  /// hang.
  Result<Arrival> waitRead();

  /// Reads begun and not yet given out by poll or waitRead.
  uint32_t readsInFlight() const;

  /// Gives the place of an arrival back.
  void doneWith(const std::byte *image);

private:
  struct State;
  explicit ExpertHome(std::unique_ptr<State> state);

  std::unique_ptr<State> state;
};

} // namespace sluice::experts
