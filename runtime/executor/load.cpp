//===- load.cpp - Brings a plan's data to the device ----------------------===//

#include "runtime/executor/load.h"

#include "runtime/executor/fetch.h"
#include "runtime/executor/rope_table.h"
#include "runtime/executor/staging.h"
#include "runtime/experts/load_bytes.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice {
namespace {

namespace fb = plan::fb;

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

  const uint64_t fetched = experts::fetchedBytes(plan);
  LoadProgress progress(options.progress, 0,
                        fetched + experts::hostPoolBytes(plan));
  const bool isVirtual = backend.isVirtual();
  const bool reads = !isVirtual && !options.synthetic;
  WeightFiles weights;
  if (reads) {
    // These go on to the device, so what the page cache keeps of them is the
    // only copy in host memory: a second run reads it from there.
    SLUICE_ASSIGN_OR_RETURN(
        weights, WeightFiles::open(files, WeightFiles::Mode::Cached));
  }
  Fetcher fetcher(plan, memory, reads ? &weights : nullptr, backend,
                  experts::loadThreads(options.threads), progress);
  if (isVirtual)
    progress.add(fetched);

  // Fetches side by side are performed together.
  const StepSize size{1, 1, false};
  std::vector<const fb::Instruction *> fetches;
  auto fetchGathered = [&]() -> Status {
    if (!isVirtual)
      SLUICE_RETURN_IF_ERROR(fetcher.run(fetches));
    fetches.clear();
    return Status::ok();
  };
  for (const fb::Instruction *instruction : *plan.load()->instructions()) {
    if (instruction->operation_as_Fetch()) {
      fetches.push_back(instruction);
      continue;
    }
    SLUICE_RETURN_IF_ERROR(fetchGathered());
    SLUICE_ASSIGN_OR_RETURN(
        Step step, bindInstruction(*instruction, 1, memory, plan, backend));
    SLUICE_RETURN_IF_ERROR(run(step, backend, size));
  }
  SLUICE_RETURN_IF_ERROR(fetchGathered());
  return backend.synchronize();
}

} // namespace sluice
