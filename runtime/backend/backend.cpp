//===- backend.cpp - What all backends share ------------------------------===//

#include "runtime/backend/backend.h"

namespace sluice {

const char *name(StreamKind stream) {
  constexpr const char *names[] = {"compute", "demand", "prefetch",
                                   "copy-back"};
  return names[static_cast<int>(stream)];
}

const char *name(MemoryKind kind) {
  return kind == MemoryKind::Device ? "device" : "host";
}

Allocation::~Allocation() {
  if (start)
    backend->releaseBytes(kind, start, size);
}

void Allocation::swap(Allocation &other) noexcept {
  std::swap(backend, other.backend);
  std::swap(kind, other.kind);
  std::swap(start, other.start);
  std::swap(size, other.size);
}

Backend::~Backend() = default;

Result<Allocation> Backend::allocate(MemoryKind kind, uint64_t bytes) {
  if (bytes == 0)
    return Allocation();
  SLUICE_ASSIGN_OR_RETURN(void *data, allocateBytes(kind, bytes));
  return Allocation(*this, kind, data, bytes);
}

} // namespace sluice
