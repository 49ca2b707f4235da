//===- expert_halves.cpp - Both halves of few experts at once -------------===//

#include "kernels/cpu/expert_halves.h"

#include "kernels/cpu/experts.h"

#include <algorithm>
#include <functional>
#include <thread>

namespace sluice::cpu {
namespace {

/// Outputs of the first half that a thread takes at a time: few enough that a
/// thread which is slow or taken away by the system holds little up, enough to
/// read in long runs.
constexpr int64_t kUpUnit = 16;

/// Outputs of the second half of about as many bytes.
int64_t downUnit(const KernelArgs &args) {
  const int64_t hidden = args.dim[2], inner = args.dim[3];
  const int64_t times = 2 * hidden / std::max(inner, int64_t{1});
  return std::clamp(times * kUpUnit, kUpUnit, kExpertTile);
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
         up.dim[0] <= kMostExperts &&
         !overlap(up.data[0],
                  rowElements * static_cast<int64_t>(byteSize(up.dtype[0])),
                  down.data[5],
                  rowElements * topK * static_cast<int64_t>(sizeof(float)));
}

void ExpertHalves::run(const KernelArgs &up, const KernelArgs &down,
                       const Parallel &parallel,
                       std::atomic<uint32_t> &upDone) {
  const RoutedPairs first = RoutedPairs::of(up), second = RoutedPairs::of(down);
  const int64_t inner = up.dim[3], hidden = down.dim[2];
  const int64_t unit = downUnit(down);
  const int64_t firstActive = first.active();
  const int64_t ups = firstActive * unitsOf(inner, kUpUnit);
  const int64_t all = ups + second.active() * unitsOf(hidden, unit);
  for (int64_t expert = 0; expert < first.experts; ++expert)
    left[expert].store(inner, std::memory_order_relaxed);
  std::atomic<int64_t> allLeft{firstActive * inner}, next{0};
  auto tellUpDone = [&] {
    upDone.fetch_add(1, std::memory_order_release);
    upDone.notify_all();
  };
  if (ups == 0)
    tellUpDone();

  auto doFirst = [&](int64_t expert, int64_t output, int64_t count) {
    gateUpTile(up, expert, output, count);
    left[expert].fetch_sub(count, std::memory_order_release);
    if (allLeft.fetch_sub(count, std::memory_order_acq_rel) == count)
      tellUpDone();
  };
  // A tile of the first half that is waited for was taken before, by a thread
  // that waits for nothing.
  auto doSecond = [&](int64_t expert, int64_t output, int64_t count) {
    while (left[expert].load(std::memory_order_acquire) > 0)
      std::this_thread::yield();
    downTile(down, expert, output, count);
  };
  // One range a thread: it takes work until none is left.
  forRanges(parallel, parallel.threads, [&](int64_t, int64_t) {
    for (int64_t at; (at = next.fetch_add(1, std::memory_order_relaxed)) < all;)
      if (at < ups)
        first.forUnits(at, at + 1, inner, kUpUnit, doFirst);
      else
        second.forUnits(at - ups, at - ups + 1, hidden, unit, doSecond);
  });
}

} // namespace sluice::cpu
