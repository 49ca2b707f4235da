//===- disk_reader.h - Who performs the reads -------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/virtual_disk.h"
#include "runtime/core/status.h"
#include "runtime/experts/disk/read_request.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace sluice::experts {

/// Performs requests, several at once, and tells which are over in that order.
/// One thread at a time calls it. Allocates nothing after it was made.
class DiskReader {
public:
  /// Returns when no memory of a request is in use any more; requests that were
  /// not begun are dropped.
  virtual ~DiskReader() = default;

  /// Begins request `index`, which is not under way.
  virtual Status submit(uint32_t index) = 0;
  /// A request that is over, if there is one.
  virtual Result<std::optional<uint32_t>> poll() = 0;
  /// The next request that is over. At least one must be under way.
  virtual Result<uint32_t> wait() = 0;
};

/// Reads through io_uring, all runs of all requests at once. `mostReads` is how
/// many that can be. Errors: Unsupported with the system's reason where
/// io_uring is refused, as in many containers.
Result<std::unique_ptr<DiskReader>>
makeUringReader(std::span<ReadRequest> requests, uint64_t mostReads);

/// Calls perform(index) on one of `threads` threads, for up to `requests`
/// requests. perform must not fail to return.
std::unique_ptr<DiskReader>
makeThreadReader(uint32_t requests, unsigned threads,
                 std::function<void(uint32_t)> perform);

/// A request that moves nothing.
struct VirtualRead {
  uint64_t bytes;
  TraceLabel label;
};

/// Up to `requests` requests are reads of `disk`, which must outlive the
/// reader; describe(index) says which.
std::unique_ptr<DiskReader>
makeVirtualReader(VirtualDisk &disk, uint32_t requests,
                  std::function<VirtualRead(uint32_t)> describe);

/// Reads a whole request with preadv: what makeThreadReader's threads do.
void readBlocking(ReadRequest &request);

} // namespace sluice::experts
