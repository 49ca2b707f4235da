//===- fetch.cpp - Weights on their way to the device ---------------------===//

#include "runtime/executor/fetch.h"

#include "runtime/experts/load_bytes.h"
#include "runtime/io/read_pieces.h"
#include "runtime/io/synthetic.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {
namespace {

namespace fb = plan::fb;

constexpr uint64_t kPieceBytes = uint64_t{2} << 20;
/// Room for a piece and the blocks at its ends.
constexpr uint64_t kLaneBytes = kPieceBytes + 2 * kReadBlock;

} // namespace

/// Pieces on their way: threads fill lanes of host memory in order, this thread
/// copies from them in order and gives them back.
struct Fetcher::Job {
  Job(const Fetcher &fetcher, std::span<const fb::Instruction *const> fetches,
      std::vector<WantedRange> wanted)
      : fetcher(fetcher), fetches(fetches),
        work(cutIntoPieces(std::move(wanted), kPieceBytes)) {}

  const Fetcher &fetcher;
  std::span<const fb::Instruction *const> fetches;
  ReadPieces work;
  std::span<std::byte> lanes;
  size_t laneCount = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<size_t> next{0};
  size_t givenBack = 0; ///< Pieces whose lanes may be filled again.
  bool stopping = false;
  Status failure;
  struct Filled {
    size_t upTo = 0; ///< The piece that the lane holds, plus one.
    const std::byte *data = nullptr;
  };
  std::vector<Filled> filled;

  const fb::Fetch &fetchOf(const WantedRange &range) const {
    return *fetches[range.owner]->operation_as_Fetch();
  }
  const fb::Source &sourceOf(const WantedRange &range) const {
    return *fetcher.plan.sources()->Get(fetchOf(range).source());
  }

  Result<const std::byte *> fill(const ReadPiece &piece,
                                 std::span<std::byte> lane) const;
  void fillAll();
  Status copyAll();
  Status copy(const ReadPiece &piece, const std::byte *data) const;
  Status giveBack(size_t upTo);
};

Result<const std::byte *> Fetcher::Job::fill(const ReadPiece &piece,
                                             std::span<std::byte> lane) const {
  std::span<const WantedRange> ranges = work.of(piece);
  if (fetcher.files) {
    auto data =
        fetcher.files->read(piece.file, piece.offset, piece.bytes, lane);
    if (!data)
      return Status(data.status().code(),
                    std::string(data.status().message()) + "; wanted for '" +
                        sourceOf(ranges.front()).tensor()->str() + "'");
    return data;
  }
  for (const WantedRange &range : ranges)
    fillSynthetic(
        lane.subspan(range.offset - piece.offset, range.bytes),
        syntheticKey(range.file, range.tensorOffset),
        range.offset - range.tensorOffset,
        experts::storageType(
            fetcher.plan.buffers()->Get(fetchOf(range).target())->dtype()),
        syntheticKind(sourceOf(range).tensor()->string_view()));
  return static_cast<const std::byte *>(lane.data());
}

void Fetcher::Job::fillAll() {
  while (true) {
    const size_t index = next.fetch_add(1);
    if (index >= work.pieces.size())
      return;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock,
                   [&] { return stopping || index < givenBack + laneCount; });
      if (stopping)
        return;
    }
    const size_t lane = index % laneCount;
    auto data =
        fill(work.pieces[index], lanes.subspan(lane * kLaneBytes, kLaneBytes));
    std::lock_guard lock(mutex);
    if (data) {
      filled[lane] = {index + 1, *data};
    } else {
      if (failure.isOk())
        failure = data.takeStatus();
      stopping = true;
    }
    changed.notify_all();
  }
}

Status Fetcher::Job::copy(const ReadPiece &piece, const std::byte *data) const {
  uint64_t bytes = 0;
  for (const WantedRange &range : work.of(piece)) {
    const uint32_t target = fetchOf(range).target();
    SLUICE_RETURN_IF_ERROR(fetcher.backend.copy(
        static_cast<StreamKind>(fetches[range.owner]->stream()),
        fetcher.memory.buffer(target).data() + range.target,
        fetcher.memory.kind(target), data + (range.offset - piece.offset),
        MemoryKind::Host, range.bytes));
    bytes += range.bytes;
  }
  fetcher.progress.add(bytes);
  return Status::ok();
}

Status Fetcher::Job::giveBack(size_t upTo) {
  SLUICE_RETURN_IF_ERROR(fetcher.backend.synchronize());
  std::lock_guard lock(mutex);
  givenBack = upTo;
  changed.notify_all();
  return Status::ok();
}

Status Fetcher::Job::copyAll() {
  // Half of the lanes are filled while the copies of the others are waited for.
  const size_t atOnce = std::max<size_t>(1, laneCount / 2);
  size_t waited = 0;
  for (size_t index = 0; index < work.pieces.size(); ++index) {
    const std::byte *data = nullptr;
    {
      std::unique_lock lock(mutex);
      const Filled &lane = filled[index % laneCount];
      changed.wait(lock, [&] { return stopping || lane.upTo == index + 1; });
      if (stopping)
        return Status::ok(); // `failure` says why.
      data = lane.data;
    }
    SLUICE_RETURN_IF_ERROR(copy(work.pieces[index], data));
    if (index + 1 - waited >= atOnce) {
      SLUICE_RETURN_IF_ERROR(giveBack(index + 1));
      waited = index + 1;
    }
  }
  return Status::ok();
}

Status Fetcher::run(std::span<const fb::Instruction *const> fetches) {
  std::vector<WantedRange> wanted;
  for (uint32_t i = 0; i < fetches.size(); ++i) {
    const fb::Fetch &fetch = *fetches[i]->operation_as_Fetch();
    for (const fb::Range *range :
         *plan.sources()->Get(fetch.source())->ranges())
      wanted.push_back({range->file(), i, range->source_offset(),
                        range->bytes(), range->target_offset(),
                        range->source_offset()});
  }
  Job job(*this, fetches, std::move(wanted));
  const size_t pieces = job.work.pieces.size();
  if (pieces == 0)
    return Status::ok();
  const auto workers = size_t(std::min<size_t>(threads, pieces));
  job.laneCount = std::min(2 * workers, pieces);
  job.filled.resize(job.laneCount);
  SLUICE_ASSIGN_OR_RETURN(
      Allocation lanes,
      backend.allocate(MemoryKind::Host, job.laneCount * kLaneBytes));
  job.lanes = {lanes.data(), lanes.bytes()};

  std::vector<std::thread> fillers;
  fillers.reserve(workers);
  for (size_t i = 0; i < workers; ++i)
    fillers.emplace_back([&job] { job.fillAll(); });
  Status copied = job.copyAll();
  {
    std::lock_guard lock(job.mutex);
    job.stopping = true;
  }
  job.changed.notify_all();
  for (std::thread &filler : fillers)
    filler.join();
  // The lanes go away: nothing may still be copied from them.
  Status drained = backend.synchronize();
  SLUICE_RETURN_IF_ERROR(std::move(copied));
  SLUICE_RETURN_IF_ERROR(std::move(job.failure));
  return drained;
}

} // namespace sluice
