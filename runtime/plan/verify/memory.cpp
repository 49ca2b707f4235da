//===- memory.cpp - Arenas and the buffers inside them --------------------===//

#include "runtime/plan/verify/context.h"

namespace sluice::plan {
namespace {

Status verifyBuffer(Context &context, uint32_t index,
                    std::vector<uint64_t> &ends) {
  const fb::Buffer &buffer = context.buffer(index);
  std::string where = context.describe(index);
  if (buffer.arena() >= ends.size())
    return context.fail(
        where, "arena " + expected(buffer.arena(),
                                   "below " + std::to_string(ends.size())));
  if (buffer.dtype() > fb::DType::MAX)
    return context.fail(
        where, "dtype " + expected(uint64_t(buffer.dtype()), "0 to 3"));
  if (buffer.bytes() == 0)
    return context.fail(where, "found 0 bytes, expected at least 1");
  if (buffer.offset() % kBufferAlignment != 0)
    return context.fail(
        where, "offset " + expected(buffer.offset(),
                                    "a multiple of " +
                                        std::to_string(kBufferAlignment)));
  uint64_t size = context.plan.arenas()->Get(buffer.arena())->bytes();
  if (buffer.offset() > size || buffer.bytes() > size - buffer.offset())
    return context.fail(where, std::to_string(buffer.bytes()) + " bytes at " +
                                   std::to_string(buffer.offset()) +
                                   ", expected inside the arena's " +
                                   std::to_string(size));
  ends[buffer.arena()] =
      std::max(ends[buffer.arena()], buffer.offset() + buffer.bytes());
  return Status::ok();
}

} // namespace

Status verifyMemory(Context &context) {
  const auto &arenas = *context.plan.arenas();
  uint64_t total = 0;
  for (uint32_t i = 0; i < arenas.size(); ++i) {
    std::string where = "arena " + std::to_string(i) + " '" +
                        printable(*arenas[i]->name()) + "'";
    if (arenas[i]->kind() > fb::MemoryKind::MAX)
      return context.fail(
          where, "kind " + expected(uint64_t(arenas[i]->kind()), "0 or 1"));
    if (__builtin_add_overflow(total, arenas[i]->bytes(), &total) ||
        total >> 62)
      return context.fail(where, "the arenas' bytes add up to more than 2^62");
  }
  std::vector<uint64_t> ends(arenas.size());
  for (uint32_t i = 0; i < context.bufferCount(); ++i)
    SLUICE_RETURN_IF_ERROR(verifyBuffer(context, i, ends));
  // An arena larger than its buffers need would ask for memory for nothing.
  for (uint32_t i = 0; i < arenas.size(); ++i)
    if (arenas[i]->bytes() >
        (ends[i] + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment)
      return context.fail("arena " + std::to_string(i) + " '" +
                              printable(*arenas[i]->name()) + "'",
                          expected(arenas[i]->bytes(),
                                   "at most the " + std::to_string(ends[i]) +
                                       " bytes its buffers need"));
  for (const fb::MemoryItem *item : *context.plan.memory())
    if (item->kind() > fb::MemoryKind::MAX)
      return context.fail("memory item '" + printable(*item->name()) + "'",
                          "kind " + expected(uint64_t(item->kind()), "0 or 1"));
  return Status::ok();
}

} // namespace sluice::plan
