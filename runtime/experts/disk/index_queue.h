//===- index_queue.h - Requests in order ------------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::experts {

/// First in, first out, of at most so many indices as it was made for.
class IndexQueue {
public:
  explicit IndexQueue(uint32_t most) : ring(most) {}

  bool empty() const { return used == 0; }
  void clear() { used = 0; }
  void push(uint32_t index) { ring[(first + used++) % ring.size()] = index; }
  uint32_t front() const { return ring[first]; }
  uint32_t pop() {
    uint32_t index = ring[first];
    first = (first + 1) % ring.size();
    --used;
    return index;
  }

private:
  std::vector<uint32_t> ring;
  size_t first = 0, used = 0;
};

} // namespace sluice::experts
