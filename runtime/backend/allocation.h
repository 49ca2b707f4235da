//===- allocation.h - Memory of a backend -----------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// Where memory lies. Host memory is pinned when the backend can pin, and
/// always directly readable and writable by the caller; device memory is only
/// reached through copies and kernels. The order is that of plan.fbs.
enum class MemoryKind : uint8_t { Device, Host };
const char *name(MemoryKind kind);

/// Memory from any backend starts at a multiple of this.
inline constexpr uint64_t kMemoryAlignment = 256;

class Backend;

/// Owned memory of a backend; gives it back when destroyed. Must not outlive
/// the backend, and no enqueued work may still use it.
class Allocation {
public:
  Allocation() = default;
  Allocation(Backend &backend, MemoryKind kind, void *data, uint64_t bytes)
      : backend(&backend), kind(kind), start(data), size(bytes) {}
  Allocation(Allocation &&other) noexcept { swap(other); }
  Allocation &operator=(Allocation &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Allocation();

  std::byte *data() const { return static_cast<std::byte *>(start); }
  uint64_t bytes() const { return size; }

private:
  void swap(Allocation &other) noexcept;

  Backend *backend = nullptr;
  MemoryKind kind = MemoryKind::Host;
  void *start = nullptr;
  uint64_t size = 0;
};

} // namespace sluice
