//===- staging.cpp - Host memory on the way to the device -----------------===//

#include "runtime/executor/staging.h"

namespace sluice {
namespace {
constexpr uint64_t kStagingBytes = 2 * Staging::kPieceBytes;
} // namespace

Result<Staging> Staging::create(Backend &backend) {
  SLUICE_ASSIGN_OR_RETURN(Allocation memory,
                          backend.allocate(MemoryKind::Host, kStagingBytes));
  return Staging(backend, std::move(memory));
}

Result<std::span<std::byte>> Staging::take(uint64_t bytes) {
  if (bytes > memory.bytes() - used) {
    SLUICE_RETURN_IF_ERROR(backend->synchronize());
    used = 0;
  }
  std::span<std::byte> piece(memory.data() + used, bytes);
  // The next piece starts aligned, as copies like it.
  used += (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  used = std::min(used, memory.bytes());
  return piece;
}

} // namespace sluice
