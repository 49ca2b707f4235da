//===- memory.cpp - Memory of the CPU backend -----------------------------===//

#include "runtime/backend/cpu/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace sluice::cpu {
namespace {

constexpr std::byte kGuard{0xA5};

uint64_t physicalMemory() {
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE));
}

constexpr uint64_t kHugePage = uint64_t{2} << 20;
/// From here on memory asks for huge pages: it is read all through.
constexpr uint64_t kLarge = uint64_t{64} << 20;

/// Before the first touch. Without huge pages all works too.
void useHugePages(void *base, uint64_t bytes) {
  uint64_t address = reinterpret_cast<uintptr_t>(base);
  uint64_t before = (kHugePage - address % kHugePage) % kHugePage;
  if (bytes >= kLarge)
    (void)madvise(static_cast<std::byte *>(base) + before,
                  (bytes - before) / kHugePage * kHugePage, MADV_HUGEPAGE);
}

bool isGuard(const std::byte *begin, uint64_t bytes) {
  return std::all_of(begin, begin + bytes,
                     [](std::byte b) { return b == kGuard; });
}

} // namespace

Result<void *> Memory::allocate(uint64_t bytes) {
  uint64_t physical = physicalMemory();
  uint64_t extra = 2 * guardBytes + kMemoryAlignment;
  // calloc, because large blocks come from the system zeroed and untouched.
  void *base = bytes <= physical && used <= physical - bytes
                   ? std::calloc(1, bytes + extra)
                   : nullptr;
  if (!base)
    return Status(ErrorCode::OutOfMemory,
                  "cpu: " + std::to_string(bytes) +
                      " bytes of memory asked for, " + std::to_string(used) +
                      " in use, the machine has " + std::to_string(physical));
  useHugePages(base, bytes + extra);
  uint64_t address = reinterpret_cast<uintptr_t>(base) + guardBytes;
  uint64_t shift =
      (kMemoryAlignment - address % kMemoryAlignment) % kMemoryAlignment;
  std::byte *data = static_cast<std::byte *>(base) + guardBytes + shift;
  std::memset(data - guardBytes, int(kGuard), guardBytes);
  std::memset(data + bytes, int(kGuard), guardBytes);
  blocks.push_back({base, data, bytes});
  used += bytes;
  return static_cast<void *>(data);
}

void Memory::release(void *data) {
  auto block = std::find_if(blocks.begin(), blocks.end(),
                            [&](const Block &b) { return b.data == data; });
  used -= block->bytes;
  std::free(block->base);
  blocks.erase(block);
}

Status Memory::checkGuards() const {
  for (const Block &block : blocks)
    if (!isGuard(block.data - guardBytes, guardBytes) ||
        !isGuard(block.data + block.bytes, guardBytes))
      return Status(ErrorCode::Internal,
                    "cpu: something wrote outside a block of " +
                        std::to_string(block.bytes) + " bytes");
  return Status::ok();
}

} // namespace sluice::cpu
