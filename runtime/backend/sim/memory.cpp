//===- memory.cpp - Address space that stands for memory ------------------===//

#include "runtime/backend/sim/memory.h"

#include <sys/mman.h>

namespace sluice::sim {

Result<void *> reservePages(uint64_t bytes) {
  void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED)
    return Status(ErrorCode::OutOfMemory,
                  "sim: " + std::to_string(bytes) +
                      " bytes of memory asked for, the address space has no "
                      "such room");
  return data;
}

void releasePages(void *data, uint64_t bytes) { (void)munmap(data, bytes); }

} // namespace sluice::sim
