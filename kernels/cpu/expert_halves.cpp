//===- expert_halves.cpp - Both halves of few experts at once -------------===//

#include "kernels/cpu/expert_halves.h"

#include "kernels/cpu/experts.h"

#include <algorithm>
#include <functional>
#include <thread>

namespace sluice::cpu {
namespace {

/// Outputs of a piece: few enough that a thread which is slow or taken away by
/// the system holds little up, enough to read in long runs.
constexpr int64_t kUnit = 16;

/// Pieces of the second half that are about as many bytes as one of the first,
/// as far as a tile holds them.
int64_t piecesOfDown(const KernelArgs &args) {
  const int64_t hidden = args.dim[2], inner = args.dim[3];
  return std::clamp<int64_t>(2 * hidden / std::max(inner, int64_t{1}), 1,
                             kExpertTile / kUnit);
}

/// Whether `bytes` at `a` and `others` at `b` have a byte in common.
bool overlap(const void *a, int64_t bytes, const void *b, int64_t others) {
  const auto *first = static_cast<const char *>(a);
  const auto *second = static_cast<const char *>(b);
  return std::less<>()(first, second + others) &&
         std::less<>()(second, first + bytes);
}

} // namespace

bool ExpertHalves::areHalves(Kernel first, const KernelArgs &up, Kernel second,
                             const KernelArgs &down, int64_t rows) {
  if (first != Kernel::ExpertGateUp || second != Kernel::ExpertDown)
    return false;
  // Tables, weights, and the inner rows between both.
  for (int operand : {1, 2, 3, 4})
    if (up.data[operand] != down.data[operand])
      return false;
  const int64_t topK = up.dim[1], rowElements = rows * up.dim[2];
  return up.data[5] == down.data[0] && up.dim[2] == down.dim[2] &&
         up.dim[3] == down.dim[3] && down.dim[0] <= up.dim[0] &&
         up.dim[0] <= kMostExperts && down.dim[7] == 0 &&
         !overlap(up.data[0],
                  rowElements * static_cast<int64_t>(byteSize(up.dtype[0])),
                  down.data[5],
                  rowElements * topK * static_cast<int64_t>(sizeof(float)));
}

void ExpertHalves::open(const KernelArgs &first, const KernelArgs &second,
                        unsigned threads) {
  up = first;
  down = second;
  const RoutedPairs ofUp = RoutedPairs::of(up), ofDown = RoutedPairs::of(down);
  const int64_t inner = up.dim[3], hidden = down.dim[2];
  most = piecesOfDown(down);
  this->threads = std::max(1u, threads);
  upPieces = ofUp.active() * unitsOf(inner, kUnit);
  pieces = upPieces + ofDown.active() * unitsOf(hidden, kUnit);
  const auto size = static_cast<int64_t>(byteSize(up.dtype[4]));
  upBytes = 2 * hidden * kUnit * size;
  downBytes = inner * kUnit * size;
  for (int64_t expert = 0; expert < ofUp.experts; ++expert)
    missing[expert].store(inner, std::memory_order_relaxed);
  work.store(pack({0, static_cast<uint32_t>(pieces)}),
             std::memory_order_release);
}

void ExpertHalves::run(const Parallel &parallel,
                       std::atomic<uint32_t> &upDone) {
  const RoutedPairs first = RoutedPairs::of(up), second = RoutedPairs::of(down);
  const int64_t inner = up.dim[3], hidden = down.dim[2];
  std::atomic<int64_t> allMissing{first.active() * inner};
  auto tellUpDone = [&] {
    upDone.fetch_add(1, std::memory_order_release);
    upDone.notify_all();
  };
  if (upPieces == 0)
    tellUpDone();

  auto doFirst = [&](int64_t expert, int64_t output, int64_t count) {
    gateUpTile(up, expert, output, count);
    missing[expert].fetch_sub(count, std::memory_order_release);
    if (allMissing.fetch_sub(count, std::memory_order_acq_rel) == count)
      tellUpDone();
  };
  // A tile of the first half that is waited for was taken before, by a thread
  // that waits for nothing.
  auto doSecond = [&](int64_t expert, int64_t output, int64_t count) {
    while (missing[expert].load(std::memory_order_acquire) > 0)
      std::this_thread::yield();
    downTile(down, expert, output, count);
  };
  // One range a thread: it takes work until none is left.
  forRanges(parallel, parallel.threads, [&](int64_t, int64_t) {
    for (Work taken; (taken = take()).next < taken.end;)
      if (taken.next < upPieces)
        first.forUnits(taken.next, taken.end, inner, kUnit, doFirst);
      else
        second.forUnits(taken.next - upPieces, taken.end - upPieces, hidden,
                        kUnit, doSecond);
  });
}

int64_t ExpertHalves::atOnce(Work now) const {
  if (now.next < upPieces)
    return 1;
  return std::clamp<int64_t>((int64_t{now.end} - now.next) / (2 * threads), 1,
                             most);
}

ExpertHalves::Work ExpertHalves::take() {
  uint64_t word = work.load(std::memory_order_relaxed);
  for (;;) {
    const Work now = unpack(word);
    if (now.next >= now.end)
      return {now.end, now.end};
    const uint32_t next =
        std::min(now.end, now.next + static_cast<uint32_t>(atOnce(now)));
    if (work.compare_exchange_weak(word, pack({next, now.end}),
                                   std::memory_order_relaxed))
      return {now.next, next};
  }
}

int64_t ExpertHalves::takeBack(int64_t outputs) {
  const int64_t hidden = down.dim[2], units = unitsOf(hidden, kUnit);
  // Of the last pieces of all. An expert's last may be smaller than a unit.
  auto outputsOf = [&](int64_t last) {
    const int64_t rest = last % units;
    return last / units * hidden +
           (rest > 0 ? hidden - (units - rest) * kUnit : 0);
  };
  // The most last pieces of all that are no more outputs than so many.
  auto piecesOf = [&](int64_t most) {
    const int64_t kept = unitsOf(hidden - most % hidden, kUnit);
    return most / hidden * units + units - kept;
  };
  uint64_t word = work.load(std::memory_order_relaxed);
  for (;;) {
    // Threads take pieces every microsecond and less: what takes longer than
    // that from one look to the next never gets its turn.
    const Work now = unpack(word);
    const int64_t before = pieces - now.end;
    const int64_t least = std::max<int64_t>(now.next, upPieces);
    const int64_t last =
        std::min(piecesOf(outputsOf(before) + outputs), pieces - least);
    if (last <= before)
      return 0;
    const Work after = {now.next, static_cast<uint32_t>(pieces - last)};
    if (work.compare_exchange_weak(word, pack(after),
                                   std::memory_order_relaxed))
      return outputsOf(last) - outputsOf(before);
  }
}

uint64_t ExpertHalves::bytesRead() const {
  const int64_t end = unpack(work.load(std::memory_order_relaxed)).end;
  return static_cast<uint64_t>(upPieces * upBytes +
                               (end - upPieces) * downBytes);
}

double ExpertHalves::left() const {
  const Work now = unpack(work.load(std::memory_order_relaxed));
  auto bytes = [&](int64_t from, int64_t end) {
    const int64_t ups = std::max<int64_t>(0, std::min(end, upPieces) - from);
    const int64_t downs = std::max<int64_t>(0, end - std::max(from, upPieces));
    return static_cast<double>(ups * upBytes + downs * downBytes);
  };
  const double all = bytes(0, now.end);
  if (now.next >= now.end || all == 0)
    return 0;
  const int64_t each = now.next < upPieces ? upBytes : atOnce(now) * downBytes;
  const double atWork =
      std::min(bytes(0, now.next), static_cast<double>(threads * each));
  return (bytes(now.next, now.end) + atWork / 2) / all;
}

} // namespace sluice::cpu
