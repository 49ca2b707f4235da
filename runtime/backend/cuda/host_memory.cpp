//===- host_memory.cpp - Pinned memory, also very much of it --------------===//

#include "runtime/backend/cuda/host_memory.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/cuda/error.h"
#include "runtime/core/fault.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace sluice::cuda {
namespace {

/// More threads than this wait for each other in the kernel.
constexpr unsigned kMaxPinningThreads = 16;

/// The bytes that this process could have at best. Touching more would not fail
/// but have the process killed.
uint64_t mostMemory() {
  uint64_t most = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                  static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  // A container's limit; "max" where there is none.
  if (std::FILE *file = std::fopen("/sys/fs/cgroup/memory.max", "re")) {
    char text[32] = "";
    if (std::fgets(text, sizeof text, file))
      if (uint64_t limit = std::strtoull(text, nullptr, 10))
        most = std::min(most, limit);
    (void)std::fclose(file);
  }
  return most;
}

Status noRoom(uint64_t bytes) {
  return Status(ErrorCode::OutOfMemory,
                "backend cuda: " + std::to_string(bytes) +
                    " bytes of host memory were asked for, the process can "
                    "have at most " +
                    std::to_string(mostMemory()) + " and has not as many left");
}

/// Untouched pages, or null.
std::byte *map(uint64_t bytes) {
  if (bytes > mostMemory())
    return nullptr;
  void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return nullptr;
  // Large pages are touched and pinned faster; without them all works too.
  (void)madvise(data, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte *>(data);
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

/// Touches and registers a range piece by piece on several threads.
class Pinning {
public:
  Pinning(int device, std::byte *data, uint64_t bytes)
      : device(device), data(data), bytes(bytes),
        pieces((bytes + HostMemory::kPieceBytes - 1) / HostMemory::kPieceBytes),
        pinned(pieces) {}

  /// The first failure; nothing is registered then.
  cudaError_t run(const Backend::Progress &progress) {
    std::vector<std::thread> threads(
        std::min<uint64_t>({cpu::usableCores(), kMaxPinningThreads, pieces}));
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

  void work() {
    cudaError_t code = cudaSetDevice(device);
    for (uint64_t piece; (piece = next.fetch_add(1)) < pieces;) {
      uint64_t size =
          std::min(HostMemory::kPieceBytes, bytes - (begin(piece) - data));
      if (code == cudaSuccess && !failure.load(std::memory_order_relaxed)) {
        touch(begin(piece), size);
        code = pin(begin(piece), size);
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
  uint64_t bytes, pieces;
  /// One a piece, each written by the thread that has the piece.
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
  if (bytes > kPieceBytes) {
    std::byte *data = map(bytes);
    if (!data)
      return noRoom(bytes);
    cudaError_t code = Pinning(device, data, bytes).run(progress);
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

uint64_t HostMemory::togetherInPieces(const void *at, uint64_t bytes) const {
  auto address = reinterpret_cast<uintptr_t>(at);
  for (const Block &block : blocks) {
    uint64_t offset = address - reinterpret_cast<uintptr_t>(block.data);
    if (block.kind == Kind::Pieces && offset < block.bytes)
      return std::min(bytes, kPieceBytes - offset % kPieceBytes);
  }
  return bytes;
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
  (void)munmap(block.data, block.bytes);
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
