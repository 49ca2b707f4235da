//===- data.cpp - Sources, constants and rope tables ----------------------===//

#include "runtime/plan/verify/context.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sluice::plan {
namespace {

Status verifySource(const Context &context, const fb::Source &source,
                    const std::string &where) {
  const auto &files = *context.plan.files();
  std::vector<const fb::Range *> ranges;
  if (!isAligned<fb::Range>(*source.ranges()))
    return context.fail(where, "ranges at a crooked address, expected a "
                               "multiple of 8 bytes");
  for (const fb::Range *range : *source.ranges()) {
    if (range->file() >= files.size())
      return context.fail(
          where, "file " + expected(range->file(),
                                    "below " + std::to_string(files.size())));
    uint64_t size = files[range->file()]->bytes();
    if (range->bytes() == 0 || range->source_offset() > size ||
        range->bytes() > size - range->source_offset())
      return context.fail(where, std::to_string(range->bytes()) + " bytes at " +
                                     std::to_string(range->source_offset()) +
                                     " of file '" +
                                     printable(*files[range->file()]->path()) +
                                     "', expected 1 or more inside its " +
                                     std::to_string(size));
    uint64_t end = 0;
    if (__builtin_add_overflow(range->target_offset(), range->bytes(), &end))
      return context.fail(where, "target offset " +
                                     std::to_string(range->target_offset()) +
                                     " and bytes overflow");
    ranges.push_back(range);
  }
  std::sort(ranges.begin(), ranges.end(), [](auto *a, auto *b) {
    return a->target_offset() < b->target_offset();
  });
  for (size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i - 1]->target_offset() + ranges[i - 1]->bytes() >
        ranges[i]->target_offset())
      return context.fail(where,
                          "two ranges overlap at byte " +
                              std::to_string(ranges[i]->target_offset()) +
                              " of the target, expected none to");
  return Status::ok();
}

/// Marks `buffer` as filled at load time, by one filler only.
Status fill(Context &context, uint32_t buffer, Filled by,
            const std::string &where) {
  if (context.kind(buffer) != fb::MemoryKind::Device)
    return context.fail(where,
                        context.describe(buffer) +
                            " is in host memory, expected device memory");
  if (context.filled[buffer] != Filled::No)
    return context.fail(where, context.describe(buffer) +
                                   " is filled twice, expected once");
  context.filled[buffer] = by;
  return Status::ok();
}

Status verifyConstant(Context &context, const fb::Constant &constant,
                      const std::string &where) {
  SLUICE_RETURN_IF_ERROR(
      context.checkBuffer(where, "target", constant.buffer()));
  const fb::Buffer &buffer = context.buffer(constant.buffer());
  if (constant.data()->size() != buffer.bytes())
    return context.fail(where, std::to_string(constant.data()->size()) +
                                   " bytes, expected the " +
                                   std::to_string(buffer.bytes()) + " of " +
                                   context.describe(constant.buffer()));
  if (buffer.dtype() == fb::DType::I32 && buffer.bytes() >= sizeof(int32_t)) {
    ConstantFacts &facts = context.constants[constant.buffer()];
    facts.count = buffer.bytes() / sizeof(int32_t);
    for (uint64_t i = 0; i < facts.count; ++i) {
      int32_t value;
      std::memcpy(&value, constant.data()->data() + i * sizeof(value),
                  sizeof(value));
      facts.smallest = i == 0 ? value : std::min(facts.smallest, value);
      facts.largest = i == 0 ? value : std::max(facts.largest, value);
    }
  }
  return fill(context, constant.buffer(), Filled::Constant, where);
}

Status verifyRopeTable(Context &context, const fb::RopeTable &table,
                       const std::string &where) {
  const auto &frequencies = *table.inverse_frequencies();
  if (frequencies.size() == 0 || table.positions() == 0)
    return context.fail(where, std::to_string(table.positions()) +
                                   " positions and " +
                                   std::to_string(frequencies.size()) +
                                   " frequencies, expected at least 1 of each");
  if (!std::isfinite(table.scale()) ||
      !std::all_of(frequencies.begin(), frequencies.end(),
                   [](float f) { return std::isfinite(f); }))
    return context.fail(where, "a frequency or the scale is not finite");
  uint64_t bytes = 0;
  if (!multiply(uint64_t(table.positions()) * frequencies.size(), sizeof(float),
                bytes))
    return context.fail(where, "its size overflows");
  for (uint32_t index : {table.cos(), table.sin()}) {
    SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "table", index));
    const fb::Buffer &buffer = context.buffer(index);
    if (buffer.dtype() != fb::DType::F32 || buffer.bytes() != bytes)
      return context.fail(where, context.describe(index) + " is " +
                                     fb::EnumNameDType(buffer.dtype()) +
                                     " of " + std::to_string(buffer.bytes()) +
                                     " bytes, expected F32 of " +
                                     std::to_string(bytes));
    SLUICE_RETURN_IF_ERROR(fill(context, index, Filled::RopeTable, where));
  }
  return Status::ok();
}

} // namespace

Status verifyData(Context &context) {
  const fb::Plan &plan = context.plan;
  for (uint32_t i = 0; i < plan.sources()->size(); ++i) {
    const fb::Source &source = *plan.sources()->Get(i);
    SLUICE_RETURN_IF_ERROR(verifySource(context, source,
                                        "source " + std::to_string(i) + " '" +
                                            printable(*source.tensor()) + "'"));
  }
  for (uint32_t i = 0; i < plan.constants()->size(); ++i)
    SLUICE_RETURN_IF_ERROR(verifyConstant(context, *plan.constants()->Get(i),
                                          "constant " + std::to_string(i)));
  for (uint32_t i = 0; i < plan.rope_tables()->size(); ++i)
    SLUICE_RETURN_IF_ERROR(verifyRopeTable(context, *plan.rope_tables()->Get(i),
                                           "rope table " + std::to_string(i)));
  return Status::ok();
}

} // namespace sluice::plan
