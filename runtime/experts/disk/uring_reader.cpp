//===- uring_reader.cpp - Reads through io_uring --------------------------===//

#include "runtime/core/fault.h"
#include "runtime/experts/disk/disk_reader.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <liburing.h>
#include <thread>

namespace sluice::experts {
namespace {

/// How long the kernel may say that it has no room for a read while none is
/// under way.
constexpr int kMostRetries = 2000;
constexpr std::chrono::milliseconds kRetryPause{1};

Status systemError(ErrorCode code, const char *what, int error) {
  return Status(code,
                std::string("io_uring: ") + what + ": " + std::strerror(error));
}

class UringReader final : public DiskReader {
public:
  UringReader(std::span<ReadRequest> requests, const io_uring &ring)
      : requests(requests), ring(ring) {}

  ~UringReader() override {
    // The kernel writes to the requests' memory until the last one is over.
    while (inKernel > 0) {
      io_uring_cqe *entry = nullptr;
      int error = io_uring_wait_cqe(&ring, &entry);
      if (error == -EINTR || error == -EAGAIN)
        continue;
      if (error < 0)
        break;
      io_uring_cqe_seen(&ring, entry);
      --inKernel;
    }
    io_uring_queue_exit(&ring);
  }

  Status submit(uint32_t index) override {
    for (uint32_t run = 0; run < requests[index].runs(); ++run)
      SLUICE_RETURN_IF_ERROR(prepare(index, run));
    return flush(/*must=*/false);
  }

  Result<std::optional<uint32_t>> poll() override {
    SLUICE_RETURN_IF_ERROR(flush(/*must=*/false));
    io_uring_cqe *entry = nullptr;
    while (io_uring_peek_cqe(&ring, &entry) == 0) {
      SLUICE_ASSIGN_OR_RETURN(std::optional<uint32_t> index, take(entry));
      if (index)
        return index;
    }
    return std::optional<uint32_t>();
  }

  Result<uint32_t> wait() override {
    while (true) {
      SLUICE_ASSIGN_OR_RETURN(std::optional<uint32_t> index, poll());
      if (index)
        return *index;
      SLUICE_RETURN_IF_ERROR(flush(/*must=*/inKernel == 0));
      if (inKernel == 0)
        return Status(ErrorCode::Internal,
                      "io_uring: waiting for reads, found none under way");
      io_uring_cqe *entry = nullptr;
      int error = io_uring_wait_cqe(&ring, &entry);
      if (error < 0 && error != -EINTR && error != -EAGAIN)
        return systemError(ErrorCode::Io, "cannot wait for reads", -error);
    }
  }

private:
  Status prepare(uint32_t index, uint32_t run) {
    io_uring_sqe *entry = io_uring_get_sqe(&ring);
    if (!entry) {
      SLUICE_RETURN_IF_ERROR(flush(/*must=*/true));
      entry = io_uring_get_sqe(&ring);
    }
    if (!entry)
      return Status(ErrorCode::Internal, "io_uring: no entry after a submit");
    ReadRequest::Read read = requests[index].next(run);
    io_uring_prep_readv(entry, read.descriptor, read.parts, read.count,
                        read.offset);
    // An ordinary read may copy from the page cache in the submitting thread.
    if (!read.direct)
      io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
    io_uring_sqe_set_data64(entry, uint64_t(index) << 32 | run);
    return Status::ok();
  }

  /// Hands prepared reads to the kernel. It may have no room now: then they
  /// wait for a later call, unless `must`.
  Status flush(bool must) {
    for (int retries = 0; io_uring_sq_ready(&ring) > 0; ++retries) {
      int count = io_uring_submit(&ring);
      if (count > 0) {
        inKernel += uint32_t(count);
        retries = 0;
        continue;
      }
      if (count < 0 && count != -EINTR && count != -EAGAIN && count != -EBUSY)
        return systemError(ErrorCode::Io, "cannot begin reads", -count);
      if (!must)
        return Status::ok();
      if (retries >= kMostRetries)
        return systemError(ErrorCode::Io, "cannot begin reads",
                           count < 0 ? -count : EAGAIN);
      std::this_thread::sleep_for(kRetryPause);
    }
    return Status::ok();
  }

  /// The request that a completion ended, if it did.
  Result<std::optional<uint32_t>> take(io_uring_cqe *entry) {
    const uint64_t data = io_uring_cqe_get_data64(entry);
    const int result = entry->res;
    io_uring_cqe_seen(&ring, entry);
    --inKernel;
    const uint32_t index = uint32_t(data >> 32), run = uint32_t(data);
    if (!requests[index].finished(run, result)) {
      SLUICE_RETURN_IF_ERROR(prepare(index, run));
      SLUICE_RETURN_IF_ERROR(flush(/*must=*/false));
    } else if (requests[index].isOver()) {
      return std::optional(index);
    }
    return std::optional<uint32_t>();
  }

  std::span<ReadRequest> requests;
  io_uring ring;
  uint32_t inKernel = 0; ///< Reads that the kernel has and has not ended.
};

/// Submits nothing to do, and waits for it: some filters refuse only that.
int tryOut(io_uring &ring) {
  io_uring_prep_nop(io_uring_get_sqe(&ring));
  int count = io_uring_submit(&ring);
  if (count != 1)
    return count < 0 ? -count : EAGAIN;
  io_uring_cqe *entry = nullptr;
  int error = 0;
  do
    error = io_uring_wait_cqe(&ring, &entry);
  while (error == -EINTR);
  if (error < 0)
    return -error;
  io_uring_cqe_seen(&ring, entry);
  return 0;
}

} // namespace

Result<std::unique_ptr<DiskReader>>
makeUringReader(std::span<ReadRequest> requests, uint64_t mostReads) {
  if (faultHits(Fault::Uring))
    return systemError(ErrorCode::Unsupported, "refused", EPERM);
  io_uring ring = {};
  const unsigned entries = unsigned(std::clamp<uint64_t>(mostReads, 8, 1024));
  if (int error = io_uring_queue_init(entries, &ring, 0); error < 0)
    return systemError(ErrorCode::Unsupported, "refused", -error);
  if (int error = tryOut(ring)) {
    io_uring_queue_exit(&ring);
    return systemError(ErrorCode::Unsupported, "refused", error);
  }
  return std::unique_ptr<DiskReader>(
      std::make_unique<UringReader>(requests, ring));
}

} // namespace sluice::experts
