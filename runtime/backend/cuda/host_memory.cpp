//===- host_memory.cpp - Pinned memory, also very much of it --------------===//

#include "runtime/backend/cuda/host_memory.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/cuda/error.h"
#include "runtime/core/fault.h"
#include "runtime/core/memory_limit.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace sluice::cuda {
namespace {

/// More threads than this wait for each other in the kernel.
constexpr unsigned kMaxPinningThreads = 16;

constexpr uint64_t kHugePage = uint64_t{2} << 20;
/// What one thread touches at a time; a part of a piece.
constexpr uint64_t kTouchBytes = 16 * kHugePage;
static_assert(HostMemory::kPieceBytes % kTouchBytes == 0);

uint64_t roundUp(uint64_t bytes, uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

Status noRoom(uint64_t bytes) {
  return Status(ErrorCode::OutOfMemory,
                "backend cuda: " + std::to_string(bytes) +
                    " bytes of host memory were asked for, the process can "
                    "have at most " +
                    std::to_string(mostMemory()) + " and has not as many left");
}

/// Untouched pages from the start of a huge page on, or null. unmap takes them.
std::byte *map(uint64_t bytes) {
  if (bytes > mostMemory())
    return nullptr;
  const uint64_t length = roundUp(bytes, kHugePage);
  void *data = mmap(nullptr, length + kHugePage, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return nullptr;
  auto *start = static_cast<std::byte *>(data);
  const uint64_t before =
      roundUp(reinterpret_cast<uintptr_t>(data), kHugePage) -
      reinterpret_cast<uintptr_t>(data);
  if (before > 0)
    (void)munmap(start, before);
  start += before;
  if (before < kHugePage)
    (void)munmap(start + length, kHugePage - before);
  // Before the first touch, or it comes too late. Huge pages are touched,
  // pinned and read faster: the experts that the CPU computes lie here, and
  // walks through page tables would halve its rate. Without them all works too.
  if (bytes >= kHugePage)
    (void)madvise(start, length, MADV_HUGEPAGE);
  return start;
}

void unmap(std::byte *data, uint64_t bytes) {
  (void)munmap(data, roundUp(bytes, kHugePage));
}

/// Gives pages to the range; they are zero.
void touch(std::byte *data, uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  if (madvise(data, bytes, MADV_POPULATE_WRITE) == 0)
    return;
#endif
  auto page = static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  for (uint64_t at = 0; at < bytes; at += page)
    *static_cast<volatile std::byte *>(data + at) = std::byte{0};
}

cudaError_t pin(void *data, uint64_t bytes) {
  if (faultHits(Fault::Pin))
    return cudaErrorNotSupported;
  return cudaHostRegister(data, bytes, cudaHostRegisterDefault);
}

/// Touches and registers a range on several threads. Parts of a piece are
/// touched by whoever is free; who touches the last one registers the piece.
class Pinning {
public:
  Pinning(int device, std::byte *data, uint64_t bytes)
      : device(device), data(data), bytes(bytes),
        parts(roundUp(bytes, kTouchBytes) / kTouchBytes),
        pieces(roundUp(bytes, HostMemory::kPieceBytes) /
               HostMemory::kPieceBytes),
        touched(pieces), pinned(pieces) {}

  /// The first failure; nothing is registered then.
  cudaError_t run(const Backend::Progress &progress) {
    std::vector<std::thread> threads(
        std::min<uint64_t>({cpu::usableCores(), kMaxPinningThreads, parts}));
    for (std::thread &thread : threads)
      thread = std::thread([this] { work(); });
    // Reported from here: whoever listens need not expect other threads.
    for (uint64_t seen = 0; seen < pieces;) {
      finished.wait(seen, std::memory_order_acquire);
      seen = finished.load(std::memory_order_acquire);
      if (progress && !failure.load(std::memory_order_relaxed))
        progress(std::min(seen * HostMemory::kPieceBytes, bytes), bytes);
    }
    for (std::thread &thread : threads)
      thread.join();
    auto code = static_cast<cudaError_t>(failure.load());
    if (code != cudaSuccess)
      for (uint64_t piece = 0; piece < pieces; ++piece)
        if (pinned[piece])
          (void)cudaHostUnregister(begin(piece));
    return code;
  }

private:
  std::byte *begin(uint64_t piece) const {
    return data + piece * HostMemory::kPieceBytes;
  }
  uint64_t size(uint64_t piece) const {
    return std::min(HostMemory::kPieceBytes,
                    bytes - piece * HostMemory::kPieceBytes);
  }

  void work() {
    cudaError_t code = cudaSetDevice(device);
    for (uint64_t part; (part = next.fetch_add(1)) < parts;) {
      const uint64_t at = part * kTouchBytes;
      if (code == cudaSuccess && !failure.load(std::memory_order_relaxed))
        touch(data + at, std::min(kTouchBytes, bytes - at));
      const uint64_t piece = at / HostMemory::kPieceBytes;
      if (touched[piece].fetch_add(1) + 1 <
          roundUp(size(piece), kTouchBytes) / kTouchBytes)
        continue;
      if (code == cudaSuccess && !failure.load(std::memory_order_relaxed)) {
        code = pin(begin(piece), size(piece));
        pinned[piece] = code == cudaSuccess;
      }
      if (code != cudaSuccess) {
        (void)cudaGetLastError();
        int none = cudaSuccess;
        failure.compare_exchange_strong(none, code);
      }
      finished.fetch_add(1, std::memory_order_release);
      finished.notify_one();
    }
  }

  int device;
  std::byte *data;
  uint64_t bytes, parts, pieces;
  std::vector<std::atomic<uint64_t>> touched; ///< Parts of each piece.
  /// One a piece, each written by the thread that registers the piece.
  std::vector<char> pinned;
  std::atomic<uint64_t> next{0}, finished{0};
  std::atomic<int> failure{cudaSuccess};
};

} // namespace

HostMemory::~HostMemory() {
  for (const Block &block : blocks)
    free(block);
}

Result<void *> HostMemory::allocate(int device, uint64_t bytes,
                                    const Backend::Progress &progress) {
  if (bytes >= kMappedBytes) {
    std::byte *data = map(bytes);
    if (!data)
      return noRoom(bytes);
    cudaError_t code = Pinning(device, data, bytes).run(progress);
    int same = 0;
    sameAddress = cudaDeviceGetAttribute(
                      &same, cudaDevAttrCanUseHostPointerForRegisteredMem,
                      device) == cudaSuccess &&
                  same != 0;
    if (code != cudaSuccess)
      sayPageable(toStatus(code, "pinning host memory"));
    return keep(data, bytes,
                code == cudaSuccess ? Kind::Pieces : Kind::Pageable);
  }
  void *data = nullptr;
  cudaError_t code = faultHits(Fault::Pin)
                         ? cudaErrorNotSupported
                         : cudaHostAlloc(&data, bytes, cudaHostAllocDefault);
  if (code == cudaSuccess) {
    // Nothing promises that CUDA's memory is zero.
    std::memset(data, 0, bytes);
    return keep(data, bytes, Kind::Cuda);
  }
  sayPageable(toStatus(code, "pinning host memory"));
  data = map(bytes);
  if (!data)
    return noRoom(bytes);
  return keep(data, bytes, Kind::Pageable);
}

void HostMemory::release(void *data) {
  auto block = std::find_if(blocks.begin(), blocks.end(),
                            [&](const Block &b) { return b.data == data; });
  if (block == blocks.end())
    return;
  free(*block);
  piecedBlocks -= block->kind == Kind::Pieces;
  blocks.erase(block);
}

const HostMemory::Block *HostMemory::find(const void *at) const {
  auto address = reinterpret_cast<uintptr_t>(at);
  for (const Block &block : blocks)
    if (address - reinterpret_cast<uintptr_t>(block.data) < block.bytes)
      return &block;
  return nullptr;
}

bool HostMemory::isReachable(const void *at) const {
  const Block *block = find(at);
  return block && (block->kind == Kind::Cuda ||
                   (block->kind == Kind::Pieces && sameAddress));
}

uint64_t HostMemory::togetherInPieces(const void *at, uint64_t bytes) const {
  const Block *block = find(at);
  if (!block || block->kind != Kind::Pieces)
    return bytes;
  const uint64_t offset = static_cast<const std::byte *>(at) - block->data;
  return std::min(bytes, kPieceBytes - offset % kPieceBytes);
}

void *HostMemory::keep(void *data, uint64_t bytes, Kind kind) {
  blocks.push_back({static_cast<std::byte *>(data), bytes, kind});
  piecedBlocks += kind == Kind::Pieces;
  return data;
}

void HostMemory::free(const Block &block) {
  if (block.kind == Kind::Cuda) {
    (void)cudaFreeHost(block.data);
    return;
  }
  if (block.kind == Kind::Pieces)
    for (uint64_t at = 0; at < block.bytes; at += kPieceBytes)
      (void)cudaHostUnregister(block.data + at);
  unmap(block.data, block.bytes);
}

void HostMemory::sayPageable(const Status &why) {
  if (!saidPageable)
    std::fprintf(stderr,
                 "backend cuda: host memory stays pageable, copies will be "
                 "slower; %s\n",
                 std::string(why.message()).c_str());
  saidPageable = true;
}

} // namespace sluice::cuda
