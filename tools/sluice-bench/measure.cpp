//===- measure.cpp - The clock around a plan's steps ----------------------===//

#include "tools/sluice-bench/measure.h"

#include <algorithm>
#include <cstring>

namespace sluice::tools {

using plan::fb::Role;

namespace {

/// The plan's verifier saw to it that both entries exist.
const plan::fb::Entry &entryOf(const plan::fb::Plan &plan, EntryPoint point) {
  const std::string_view name =
      point == EntryPoint::Prefill ? "prefill" : "decode";
  const auto found = std::find_if(
      plan.entries()->begin(), plan.entries()->end(),
      [&](const auto *entry) { return entry->name()->string_view() == name; });
  return **found;
}

/// The inputs of a step, as rows.
class Rows {
public:
  Rows(Executor &executor, EntryPoint entry)
      : tokens(ints(executor.input(entry, Role::Tokens))),
        positions(ints(executor.input(entry, Role::Positions))),
        sequences(ints(executor.input(entry, Role::Sequences))),
        logitRows(ints(executor.input(entry, Role::LogitRowIds))) {}

  void add(int32_t token, uint32_t position, uint32_t sequence, bool logits) {
    tokens[rows] = token;
    positions[rows] = static_cast<int32_t>(position);
    sequences[rows] = static_cast<int32_t>(sequence);
    if (logits)
      logitRows[wanted++] = static_cast<int32_t>(rows);
    ++rows;
  }

  uint32_t rows = 0, wanted = 0;

private:
  static std::span<int32_t> ints(std::span<std::byte> bytes) {
    return {reinterpret_cast<int32_t *>(bytes.data()),
            bytes.size() / sizeof(int32_t)};
  }

  std::span<int32_t> tokens, positions, sequences, logitRows;
};

} // namespace

std::string Test::name() const {
  std::string text =
      (entry == EntryPoint::Prefill ? "pp" : "tg") + std::to_string(tokens);
  return depth == 0 ? text : text + " @ d" + std::to_string(depth);
}

Status Test::fits(const plan::fb::Plan &plan) const {
  const plan::fb::Entry &entry = entryOf(plan, this->entry);
  const uint32_t most =
      std::min(plan.model()->max_sequences(), entry.max_logit_rows());
  if (sequences > most)
    return Status(ErrorCode::InvalidArgument,
                  "-b is " + std::to_string(sequences) + ", expected at most " +
                      std::to_string(most) +
                      ", the sequences of the plan (sluice-compile --batch)");
  const uint64_t positions = uint64_t{depth} + tokens;
  if (positions > plan.model()->max_positions())
    return Status(ErrorCode::InvalidArgument,
                  name() + " needs " + std::to_string(positions) +
                      " positions a sequence, expected at most " +
                      std::to_string(plan.model()->max_positions()) +
                      " of the plan (sluice-compile --max-seq)");
  return Status::ok();
}

Bench::Bench(Executor &executor, const TokenTrace &trace)
    : executor(executor), trace(trace),
      prefillRows(
          entryOf(executor.plan().get(), EntryPoint::Prefill).max_rows()),
      pages(executor.plan().get().model()->max_sequences(),
            executor.plan().get().model()->pages_per_sequence(),
            executor.plan().get().model()->pages(),
            executor.plan().get().model()->page_tokens()) {}

Result<Measurement>
Bench::measure(const Test &test, uint32_t repetitions,
               const std::function<Status(uint32_t)> &behind) {
  const auto sequenceCount = executor.plan().get().model()->max_sequences();
  for (uint32_t sequence = 0; sequence < sequenceCount; ++sequence)
    pages.release(sequence);
  for (uint32_t sequence = 0; sequence < test.sequences; ++sequence)
    SLUICE_RETURN_IF_ERROR(pages.reserve(sequence, test.depth + test.tokens));

  // What lies before the test stays in the cache; every repetition writes the
  // same keys and values behind it.
  Measurement untimed, measured;
  const uint64_t rows = uint64_t{test.sequences} * test.tokens;
  measured.repetitionMs.reserve(repetitions);
  measured.stepMs.reserve(repetitions *
                          (test.entry == EntryPoint::Decode
                               ? test.tokens
                               : (rows + prefillRows - 1) / prefillRows));
  SLUICE_RETURN_IF_ERROR(prefill(test.sequences, 0, test.depth, untimed));
  SLUICE_RETURN_IF_ERROR(once(test, untimed));
  for (uint32_t i = 0; i < repetitions; ++i) {
    const experts::Counters before = executor.expertCounters();
    const double start = executor.clockUs();
    SLUICE_RETURN_IF_ERROR(once(test, measured));
    measured.repetitionMs.push_back((executor.clockUs() - start) / 1000);
    measured.experts += executor.expertCounters().since(before);
    if (behind)
      SLUICE_RETURN_IF_ERROR(behind(i));
  }
  return measured;
}

Status Bench::once(const Test &test, Measurement &into) {
  return test.entry == EntryPoint::Decode
             ? decode(test, into)
             : prefill(test.sequences, test.depth, test.depth + test.tokens,
                       into);
}

Status Bench::repeat(const Test &test) {
  Measurement untimed;
  return once(test, untimed);
}

/// Positions `begin` to `end` of all sequences, packed into as few steps as
/// can be.
Status Bench::prefill(uint32_t sequences, uint32_t begin, uint32_t end,
                      Measurement &into) {
  double start = executor.clockUs();
  Rows rows(executor, EntryPoint::Prefill);
  auto flush = [&] {
    const uint32_t count = rows.rows, wanted = rows.wanted;
    rows.rows = rows.wanted = 0;
    if (count == 0)
      return Status::ok();
    SLUICE_RETURN_IF_ERROR(step(EntryPoint::Prefill, count, wanted, into));
    into.stepMs.push_back((executor.clockUs() - start) / 1000);
    start = executor.clockUs();
    return Status::ok();
  };
  for (uint32_t sequence = 0; sequence < sequences; ++sequence)
    for (uint32_t position = begin; position < end; ++position) {
      rows.add(trace.token(sequence, position), position, sequence,
               /*logits=*/position + 1 == end);
      if (rows.rows == prefillRows)
        SLUICE_RETURN_IF_ERROR(flush());
    }
  return flush();
}

/// A row a sequence and step, whose token the trace has, whatever the logits
/// say.
Status Bench::decode(const Test &test, Measurement &into) {
  for (uint32_t i = 0; i < test.tokens; ++i) {
    const double start = executor.clockUs();
    Rows rows(executor, EntryPoint::Decode);
    const uint32_t position = test.depth + i;
    for (uint32_t sequence = 0; sequence < test.sequences; ++sequence)
      rows.add(trace.token(sequence, position), position, sequence,
               /*logits=*/true);
    SLUICE_RETURN_IF_ERROR(
        step(EntryPoint::Decode, rows.rows, rows.wanted, into));
    into.stepMs.push_back((executor.clockUs() - start) / 1000);
  }
  return Status::ok();
}

Status Bench::step(EntryPoint entry, uint32_t rows, uint32_t logitRows,
                   Measurement &into) {
  const auto table = pages.table();
  const auto input = executor.input(entry, Role::PageTable);
  std::memcpy(input.data(), table.data(),
              std::min(input.size(), table.size_bytes()));
  into.rows += rows;
  return executor.execute(entry, rows, logitRows, /*recording=*/false);
}

} // namespace sluice::tools
