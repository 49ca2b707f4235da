//===- host_reading.cpp - What the CPU reads plainly ----------------------===//

#include "tools/sluice-profile/host_reading.h"

#include "runtime/backend/cpu/thread_pool.h"
#include "tools/sluice-profile/host_figures.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace sluice::tools {
namespace {

using Clock = std::chrono::steady_clock;
using Us = std::chrono::duration<double, std::micro>;

/// What a thread takes at a time.
constexpr uint64_t kBlock = uint64_t{64} << 10;

/// Jobs that are compared: about what a layer leaves to the CPU, and so many
/// that what a job costs and how its threads come together hardly counts.
constexpr std::array<int64_t, 2> kExperts = {4, 32};

/// How often reading and computing take turns.
constexpr int kTurns = 4;

/// Reads every byte as several streams, each asked for ahead of the reads, as
/// many as one core keeps going. Of 1 to 8 streams in blocks of 32 KiB to 1
/// MiB, asked for 0 to 128 lines ahead, none was faster by more than 1% on a
/// machine with an H200. What it returns keeps the reads from being left out.
uint64_t readAll(const std::byte *bytes, size_t count) {
  using Vector __attribute__((vector_size(64))) = uint64_t;
  constexpr size_t kStreams = 4, kAhead = 32; // lines
  const auto *vectors = reinterpret_cast<const Vector *>(bytes);
  const size_t lines = count / sizeof(Vector) / kStreams;
  std::array<Vector, kStreams> sums = {};
  for (size_t i = 0; i < lines; ++i)
    for (size_t k = 0; k < kStreams; ++k) {
      const Vector *line = vectors + k * lines + i;
      __builtin_prefetch(line + kAhead);
      sums[k] ^= *line;
    }
  const Vector all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  return all[0] ^ all[3] ^ all[7];
}

/// A job that only reads: parts of the same size, anywhere.
class PlainJob {
public:
  PlainJob(size_t parts, uint64_t bytes)
      : parts(parts), bytes(bytes), blocks((bytes + kBlock - 1) / kBlock) {}

  /// Where the next run's parts lie.
  std::vector<const std::byte *> parts;

  /// Microseconds that all threads of `pool` take.
  double run(cpu::ThreadPool &pool) {
    const auto start = Clock::now();
    pool.run(
        static_cast<int64_t>(parts.size() * blocks),
        [](void *context, int64_t begin, int64_t end) {
          static_cast<PlainJob *>(context)->read(static_cast<uint64_t>(begin),
                                                 static_cast<uint64_t>(end));
        },
        this);
    return Us(Clock::now() - start).count();
  }

private:
  void read(uint64_t begin, uint64_t end) {
    uint64_t sum = 0;
    for (uint64_t i = begin; i < end; ++i) {
      const uint64_t from = i % blocks * kBlock;
      sum ^= readAll(parts[i / blocks] + from, std::min(kBlock, bytes - from));
    }
    found ^= sum;
  }

  uint64_t bytes, blocks; ///< Of a part.
  std::atomic<uint64_t> found{0};
};

/// Enough to read in order that little of it is in a cache when a pass comes
/// back to it: so many times the largest, but a gigabyte at least.
uint64_t readBytes(uint64_t most) {
  constexpr uint64_t kCaches = 8, kLeast = uint64_t{1} << 30;
  const auto cache =
      static_cast<uint64_t>(std::max<long>(0, sysconf(_SC_LEVEL3_CACHE_SIZE)));
  return std::min(most, std::max(kLeast, kCaches * cache));
}

/// Threads that read, awake in their turn alone: while kernels compute, they
/// leave the cores to those.
class PlainReader {
public:
  PlainReader(std::span<const std::byte> weights, const ExpertShape &shape)
      : weights(weights), shape(shape), pool(cpu::usableCores()),
        places(static_cast<int32_t>(weights.size() / shape.bytes())) {}

  /// The mean of jobs of so many experts at random places, about `ms` in all,
  /// with a pause before each, as HostJobs makes it.
  double measure(int64_t experts, double ms) {
    // The first are not counted: threads and clocks wake up.
    int cold = 2;
    PlainJob job(experts, shape.bytes());
    std::vector<double> us;
    pool.stayAwake(Clock::time_point::max());
    const auto begin = Clock::now();
    do {
      const auto pause = Clock::now();
      for (const std::byte *&part : job.parts)
        part = weights.data() +
               static_cast<uint64_t>(places.next()) * shape.bytes();
      while (Us(Clock::now() - pause).count() < kPauseUs)
        ;
      const double time = job.run(pool);
      if (cold > 0)
        --cold;
      else
        us.push_back(time);
    } while (us.empty() || Us(Clock::now() - begin).count() < ms * 1e3);
    pool.stayAwake(Clock::time_point::min());
    return meanUs(std::move(us));
  }

private:
  std::span<const std::byte> weights;
  const ExpertShape &shape;
  cpu::ThreadPool pool;
  RandomPlaces places;
};

} // namespace

Figure profileRead(std::span<const std::byte> weights) {
  constexpr int kPasses = 12;
  // Its threads must not be there when those of host work are measured.
  cpu::ThreadPool pool(cpu::usableCores());
  pool.stayAwake(Clock::time_point::max());
  const uint64_t bytes = readBytes(weights.size());
  PlainJob pass(1, bytes);
  pass.parts[0] = weights.data();
  std::vector<double> us;
  us.reserve(kPasses);
  for (int i = 0; i < kPasses; ++i)
    us.push_back(pass.run(pool));
  const double best = *std::min_element(us.begin(), us.end());
  char text[120];
  std::snprintf(text, sizeof text,
                "measured by sluice-profile: the best pass in order, the mean "
                "of %d being %.1f",
                kPasses,
                static_cast<double>(bytes) / 1e3 / meanUs(std::move(us)));
  return {static_cast<double>(bytes) / 1e3 / best, text};
}

Result<std::string> compareWithReading(HostJobs &jobs,
                                       std::span<const std::byte> weights,
                                       const ExpertShape &shape,
                                       double eachMs) {
  PlainReader reader(weights, shape);
  std::array<double, kExperts.size()> readUs = {}, computedUs = {};
  for (int turn = 0; turn < kTurns; ++turn)
    for (size_t i = 0; i < kExperts.size(); ++i) {
      readUs[i] += reader.measure(kExperts[i], eachMs / kTurns) / kTurns;
      const HostJob kind = {.experts = kExperts[i]};
      SLUICE_ASSIGN_OR_RETURN(const std::vector<HostJobTimes> times,
                              jobs.measure({&kind, 1}, eachMs / kTurns));
      computedUs[i] += times[0].jobUs / kTurns;
    }
  std::string all = "; at random places";
  for (size_t i = 0; i < kExperts.size(); ++i) {
    char text[120];
    std::snprintf(text, sizeof text,
                  "%s jobs of %d experts take %.1f us when they are only read, "
                  "%.1f us when they are computed",
                  i ? "," : "", static_cast<int>(kExperts[i]), readUs[i],
                  computedUs[i]);
    all += text;
  }
  return all;
}

} // namespace sluice::tools
