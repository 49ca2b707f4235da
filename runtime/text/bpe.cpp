//===- bpe.cpp --------------------------------------------------*- C++ -*-===//
#include "runtime/text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace sluice::text {
namespace {

/// Marks the slot of a token's last byte, so that it is not taken for a start.
constexpr uint32_t kEnd = 1u << 31;

uint64_t mix(uint64_t pair) {
  pair *= 0x9E3779B97F4A7C15u;
  return pair ^ pair >> 32;
}

} // namespace

Bpe::Bpe(std::vector<uint32_t> lengths,
         const std::array<uint32_t, 256> &byteIds, size_t merges)
    : table(std::bit_ceil(merges * 2 + 2)), lengths(std::move(lengths)),
      byteIds(byteIds) {}

void Bpe::addMerge(uint32_t left, uint32_t right, uint32_t rank,
                   uint32_t merged) {
  uint64_t pair = uint64_t(left) << 32 | right;
  size_t mask = table.size() - 1;
  size_t at = mix(pair) & mask;
  while (table[at].pair != UINT64_MAX && table[at].pair != pair)
    at = (at + 1) & mask;
  table[at] = {pair, rank, merged};
}

const Bpe::Entry *Bpe::find(uint32_t left, uint32_t right) const {
  uint64_t pair = uint64_t(left) << 32 | right;
  size_t mask = table.size() - 1;
  for (size_t at = mix(pair) & mask; table[at].pair != UINT64_MAX;
       at = (at + 1) & mask)
    if (table[at].pair == pair)
      return &table[at];
  return nullptr;
}

// The word lies in `slots`, one a byte. A token of n bytes keeps its id in the
// slots of its first and last byte (the last marked with kEnd when n > 1), so
// that the token after and the token before a position are found from lengths
// alone; slots between are not read. Possible merges wait in a heap by rank,
// then by position; one whose tokens have changed meanwhile is recognised by
// its rank when it comes up.
void Bpe::encodeWord(std::string_view word, Scratch &scratch,
                     std::vector<int32_t> &ids) const {
  std::vector<uint32_t> &slots = scratch.slots;
  std::vector<uint64_t> &heap = scratch.heap;
  slots.clear();
  heap.clear();
  for (char c : word)
    if (uint32_t id = byteIds[static_cast<uint8_t>(c)]; id != kNone)
      slots.push_back(id);
  uint32_t size = static_cast<uint32_t>(slots.size());

  for (uint32_t at = 0; at + 1 < size; ++at)
    if (const Entry *entry = find(slots[at], slots[at + 1]))
      heap.push_back(uint64_t(entry->rank) << 32 | at);
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  auto offer = [&](uint32_t left, uint32_t right, uint32_t at) {
    if (const Entry *entry = find(left, right)) {
      heap.push_back(uint64_t(entry->rank) << 32 | at);
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
  };

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    uint32_t rank = static_cast<uint32_t>(heap.back() >> 32);
    uint32_t at = static_cast<uint32_t>(heap.back());
    heap.pop_back();
    uint32_t left = slots[at];
    if (left & kEnd) // Became the inside or the end of a token.
      continue;
    uint32_t middle = at + lengths[left];
    if (middle >= size)
      continue;
    uint32_t right = slots[middle];
    const Entry *entry = find(left, right);
    if (!entry || entry->rank != rank)
      continue;
    uint32_t end = middle + lengths[right]; // One behind the new token.
    slots[middle - 1] |= kEnd;
    slots[middle] |= kEnd;
    slots[at] = entry->merged;
    slots[end - 1] = entry->merged | kEnd;
    if (at > 0) {
      uint32_t before = slots[at - 1] & ~kEnd;
      offer(before, entry->merged, at - lengths[before]);
    }
    if (end < size)
      offer(entry->merged, slots[end], at);
  }
  for (uint32_t at = 0; at < size; at += lengths[slots[at]])
    ids.push_back(static_cast<int32_t>(slots[at]));
}

} // namespace sluice::text
