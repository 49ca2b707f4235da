//===- load.cpp - Brings a plan's data to the device ----------------------===//

#include "runtime/executor/load.h"

#include "runtime/executor/rope_table.h"
#include "runtime/executor/staging.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

namespace fb = plan::fb;

/// Counts the bytes read and tells the caller, but not for every small tensor.
class Progress {
public:
  Progress(const std::function<void(uint64_t, uint64_t)> &report,
           uint64_t total)
      : report(report), total(total) {}

  void add(uint64_t bytes) {
    done += bytes;
    if (report && (done == total || done - told >= kStep)) {
      told = done;
      report(done, total);
    }
  }

private:
  static constexpr uint64_t kStep = uint64_t{16} << 20;
  const std::function<void(uint64_t, uint64_t)> &report;
  uint64_t total, done = 0, told = 0;
};

uint64_t fetchedBytes(const fb::Plan &plan) {
  uint64_t total = 0;
  for (const fb::Instruction *instruction : *plan.load()->instructions())
    if (const fb::Fetch *fetch = instruction->operation_as_Fetch())
      for (const fb::Range *range :
           *plan.sources()->Get(fetch->source())->ranges())
        total += range->bytes();
  return total;
}

Status loadConstant(const fb::Constant &constant, const BoundMemory &memory,
                    Staging &staging) {
  std::span<std::byte> target = memory.buffer(constant.buffer());
  for (uint64_t at = 0; at < target.size();) {
    uint64_t bytes =
        std::min<uint64_t>(Staging::kPieceBytes, target.size() - at);
    SLUICE_ASSIGN_OR_RETURN(std::span<std::byte> piece, staging.take(bytes));
    std::memcpy(piece.data(), constant.data()->data() + at, bytes);
    SLUICE_RETURN_IF_ERROR(
        staging.send(StreamKind::Demand, piece, target.data() + at));
    at += bytes;
  }
  return Status::ok();
}

Status loadRopeTable(const fb::RopeTable &table, const BoundMemory &memory,
                     Staging &staging) {
  uint64_t rowBytes = table.inverse_frequencies()->size() * sizeof(float);
  uint64_t rowsAPiece = Staging::kPieceBytes / 2 / rowBytes;
  if (rowsAPiece == 0)
    return Status(ErrorCode::Unsupported,
                  "a rope table of " +
                      std::to_string(rowBytes / sizeof(float)) +
                      " frequencies, expected at most " +
                      std::to_string(Staging::kPieceBytes / 2 / sizeof(float)));
  std::byte *cos = memory.buffer(table.cos()).data();
  std::byte *sin = memory.buffer(table.sin()).data();
  for (uint64_t row = 0; row < table.positions();) {
    uint64_t rows = std::min<uint64_t>(rowsAPiece, table.positions() - row);
    uint64_t bytes = rows * rowBytes;
    SLUICE_ASSIGN_OR_RETURN(std::span<std::byte> piece,
                            staging.take(2 * bytes));
    auto *values = reinterpret_cast<float *>(piece.data());
    size_t count = bytes / sizeof(float);
    makeRopeRows(table, uint32_t(row), {values, count},
                 {values + count, count});
    SLUICE_RETURN_IF_ERROR(staging.send(StreamKind::Demand, piece.first(bytes),
                                        cos + row * rowBytes));
    SLUICE_RETURN_IF_ERROR(staging.send(
        StreamKind::Demand, piece.subspan(bytes), sin + row * rowBytes));
    row += rows;
  }
  return Status::ok();
}

Status runFetch(const fb::Fetch &fetch, StreamKind stream, const fb::Plan &plan,
                const BoundMemory &memory, const std::vector<File> &files,
                Staging &staging, Progress &progress) {
  std::byte *target = memory.buffer(fetch.target()).data();
  for (const fb::Range *range : *plan.sources()->Get(fetch.source())->ranges())
    for (uint64_t at = 0; at < range->bytes();) {
      uint64_t bytes =
          std::min<uint64_t>(Staging::kPieceBytes, range->bytes() - at);
      SLUICE_ASSIGN_OR_RETURN(std::span<std::byte> piece, staging.take(bytes));
      SLUICE_RETURN_IF_ERROR(
          files[range->file()].read(range->source_offset() + at, piece));
      SLUICE_RETURN_IF_ERROR(
          staging.send(stream, piece, target + range->target_offset() + at));
      at += bytes;
      progress.add(bytes);
    }
  return Status::ok();
}

} // namespace

Status loadData(const plan::Plan &planFile, const BoundMemory &memory,
                const std::vector<File> &files, Backend &backend,
                const LoadOptions &options) {
  const fb::Plan &plan = planFile.get();
  SLUICE_ASSIGN_OR_RETURN(Staging staging, Staging::create(backend));
  for (const fb::Constant *constant : *plan.constants())
    SLUICE_RETURN_IF_ERROR(loadConstant(*constant, memory, staging));
  for (const fb::RopeTable *table : *plan.rope_tables())
    SLUICE_RETURN_IF_ERROR(loadRopeTable(*table, memory, staging));
  SLUICE_RETURN_IF_ERROR(backend.synchronize());

  Progress progress(options.progress, fetchedBytes(plan));
  const StepSize size{1, 1, false};
  for (const fb::Instruction *instruction : *plan.load()->instructions()) {
    if (const fb::Fetch *fetch = instruction->operation_as_Fetch()) {
      SLUICE_RETURN_IF_ERROR(
          runFetch(*fetch, static_cast<StreamKind>(instruction->stream()), plan,
                   memory, files, staging, progress));
      continue;
    }
    SLUICE_ASSIGN_OR_RETURN(
        Step step, bindInstruction(*instruction, 1, memory, plan, backend));
    SLUICE_RETURN_IF_ERROR(run(step, backend, size));
  }
  return backend.synchronize();
}

} // namespace sluice
