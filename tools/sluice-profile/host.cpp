//===- host.cpp - What the CPU reads and computes -------------------------===//

#include "tools/sluice-profile/host.h"

#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/host_work.h"
#include "tools/sluice-profile/random_bits.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <string_view>
#include <unistd.h>

namespace sluice::tools {
namespace {

constexpr const char *kSource = "measured by sluice-profile";
constexpr const char *kJobSource =
    "measured by sluice-profile: jobs of one expert against jobs of 8";
/// Weights that the host's figures are measured over: so many times the largest
/// cache, which experts of a model come back to no more than once a token, but
/// no more than a part of the memory.
constexpr uint64_t kCaches = 8, kMemoryPart = 8;
constexpr uint64_t kLeastBytes = uint64_t{1} << 30;

uint64_t measuredBytes() {
  const auto cache =
      static_cast<uint64_t>(std::max<long>(0, sysconf(_SC_LEVEL3_CACHE_SIZE)));
  const uint64_t memory = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                          static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  return std::max(kLeastBytes, std::min(kCaches * cache, memory / kMemoryPart));
}

/// Reads every byte as several streams, each asked for ahead of the reads, as
/// many as one core keeps going. What it returns keeps the reads from being
/// left out.
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

/// The best rate of threads that are there already, each of which takes a block
/// at a time: a ceiling, so the most that the memory gave.
double profileRead(std::span<const std::byte> bytes) {
  constexpr int kPasses = 12;
  constexpr size_t kBlock = size_t{64} << 10;
  cpu::ThreadPool pool(cpu::usableCores());
  pool.stayAwake(cpu::ThreadPool::Clock::time_point::max());
  struct Job {
    const std::byte *bytes;
    std::atomic<uint64_t> found{0};
  } job{bytes.data()};
  const auto blocks = static_cast<int64_t>(bytes.size() / kBlock);
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(
        blocks,
        [](void *context, int64_t begin, int64_t end) {
          auto &job = *static_cast<Job *>(context);
          job.found ^= readAll(job.bytes + begin * kBlock,
                               static_cast<size_t>(end - begin) * kBlock);
        },
        &job);
    const std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(blocks * kBlock) / time.count());
  }
  return best / 1000;
}

/// Most rows an expert is measured with.
constexpr int64_t kMostRows = 8;

/// Experts that the figures are measured over: their weights are as many bytes
/// as measuredBytes says, but of experts so small that their activations are
/// more than their weights those are.
uint64_t measuredExperts(const ExpertShape &shape) {
  const uint64_t activations =
      kMostRows * sizeof(float) *
      static_cast<uint64_t>(2 * shape.hidden + shape.inner);
  return std::max<uint64_t>(1, measuredBytes() /
                                   std::max(shape.bytes(), activations));
}

/// Both halves of `experts` experts that serve `rows` rows each.
class HostExperts {
public:
  HostExperts(const ExpertShape &shape, int64_t experts, int64_t rows,
              std::byte *weights)
      : in(rows * experts * shape.hidden, 0.5f),
        inner(rows * experts * shape.inner), out(in.size()),
        offsets(experts + 1), order(rows * experts), slots(experts) {
    for (int64_t i = 0; i <= experts; ++i)
      offsets[i] = static_cast<int32_t>(i * rows);
    std::iota(order.begin(), order.end(), 0);
    std::iota(slots.begin(), slots.end(), 0);
    const int64_t part = shape.hidden * shape.inner;
    HostLaunch &up = launches[0], &down = launches[1];
    up = {Kernel::ExpertGateUp, {}, rows * experts};
    up.args.dim[7] = part; // up behind gate
    down = {Kernel::ExpertDown, {}, rows * experts};
    down.args.dim[6] = 2 * part; // down behind up
    for (HostLaunch *launch : {&up, &down}) {
      KernelArgs &args = launch->args;
      args.maxRows = launch->rows;
      const std::array<int64_t, 6> dims = {experts,     1,       shape.hidden,
                                           shape.inner, experts, 3 * part};
      std::copy(dims.begin(), dims.end(), args.dim);
      args.data[1] = offsets.data();
      args.data[2] = order.data();
      args.data[3] = slots.data();
      args.data[4] = weights;
      for (int i = 1; i < 4; ++i)
        args.dtype[i] = DType::I32;
      args.dtype[4] = shape.dtype;
      args.dtype[0] = args.dtype[5] = DType::F32;
    }
    up.args.data[0] = in.data();
    up.args.data[5] = down.args.data[0] = inner.data();
    down.args.data[5] = out.data();
  }

  /// Where the weights are from the next job on.
  void readFrom(std::byte *weights) {
    for (HostLaunch &launch : launches)
      launch.args.data[4] = weights;
  }

  std::array<HostLaunch, 2> launches;

private:
  std::vector<float> in, inner, out;
  std::vector<int32_t> offsets, order, slots;
};

/// What a job takes beside its experts: where the line through the times of
/// jobs of one expert and of many meets none. Each job reads other experts than
/// the ones before.
Result<double> jobOverheadUs(Backend &backend, Timer &timer,
                             const ExpertShape &shape,
                             std::span<std::byte> memory) {
  constexpr int64_t kMany = 8;
  std::array<double, 2> us = {};
  for (size_t i = 0; i < us.size(); ++i) {
    const int64_t experts = i == 0 ? 1 : kMany;
    const uint64_t bytes = static_cast<uint64_t>(experts) * shape.bytes();
    const uint64_t places = memory.size() / bytes;
    if (places == 0)
      return 0.0;
    HostExperts work(shape, experts, 1, memory.data());
    SLUICE_ASSIGN_OR_RETURN(us[i], timer.blocking([&](uint64_t turn) -> Status {
      work.readFrom(memory.data() + turn % places * bytes);
      SLUICE_RETURN_IF_ERROR(backend.startHostWork(work.launches));
      return backend.waitHostWork();
    }));
  }
  return std::max(0.0, us[0] - (us[1] - us[0]) / (kMany - 1));
}

/// Runs `work`, which reads all of `memory` once, while `copies` copies of
/// `bytes` follow each other on the bus, and says the rates of both; nothing
/// where the copies are over before the work. The copies begin half the memory
/// away from the work: what one reads is not in a cache for the other.
Result<HostRates> ratesTogether(Backend &backend, HostExperts &work,
                                std::span<std::byte> memory, uint64_t bytes,
                                uint32_t copies, int jobs) {
  SLUICE_ASSIGN_OR_RETURN(Allocation device,
                          backend.allocate(MemoryKind::Device, bytes));
  SLUICE_RETURN_IF_ERROR(backend.reserveEvents(copies));
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  const uint64_t places = memory.size() / bytes;
  for (uint32_t copy = 0; copy < copies; ++copy) {
    const uint64_t from = (places / 2 + copy) % places * bytes;
    SLUICE_RETURN_IF_ERROR(
        backend.copy(StreamKind::Demand, device.data(), MemoryKind::Device,
                     memory.data() + from, MemoryKind::Host, bytes));
    SLUICE_RETURN_IF_ERROR(backend.record(StreamKind::Demand, copy));
  }
  uint32_t over = 0; // copies
  auto look = [&]() -> Status {
    while (over < copies) {
      SLUICE_ASSIGN_OR_RETURN(bool reached, backend.query(over));
      if (!reached)
        break;
      ++over;
    }
    return Status::ok();
  };
  SLUICE_RETURN_IF_ERROR(look());
  const uint32_t before = over;
  const auto start = std::chrono::steady_clock::now();
  for (int job = 0; job < jobs; ++job) {
    SLUICE_RETURN_IF_ERROR(backend.startHostWork(work.launches));
    SLUICE_RETURN_IF_ERROR(backend.waitHostWork());
  }
  const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - start;
  SLUICE_RETURN_IF_ERROR(look());
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  if (over == copies || over == before)
    return HostRates{};
  return HostRates{static_cast<double>((over - before) * bytes) / time.count() /
                       1e3,
                   static_cast<double>(jobs) *
                       static_cast<double>(memory.size()) / time.count() / 1e3};
}

/// What bus and host experts reach at once.
Status profileShared(Backend &backend, HostExperts &work,
                     std::span<std::byte> memory, uint64_t bytes,
                     Hardware &into) {
  constexpr double kLongUs = 40000;
  constexpr int kTries = 4;
  const double jobUs =
      static_cast<double>(memory.size()) / (into.hostExpert.at(1) * 1e3);
  const int jobs = static_cast<int>(std::clamp(kLongUs / jobUs, 2.0, 1000.0));
  // Enough for jobs that take twice as long beside them, else more.
  auto copies = static_cast<uint32_t>(
      8 + 2 * jobs * jobUs / into.hostToDeviceUs(static_cast<double>(bytes)));
  for (int i = 0; i < kTries && into.shared.bus <= 0; ++i, copies *= 2) {
    SLUICE_ASSIGN_OR_RETURN(
        into.shared, ratesTogether(backend, work, memory, bytes, copies, jobs));
  }
  into.sharedSource =
      "measured by sluice-profile: host experts of one row while copies of " +
      std::to_string(bytes) + " bytes follow each other";
  return Status::ok();
}

} // namespace

Status profileHost(Backend &backend, Timer &timer, const ExpertShape &shape,
                   Hardware &into) {
  const uint64_t experts = measuredExperts(shape);
  SLUICE_ASSIGN_OR_RETURN(
      Allocation memory,
      backend.allocate(MemoryKind::Host, experts * shape.bytes()));
  std::span<std::byte> bytes(memory.data(), memory.bytes());
  fillRandom(bytes);
  into.hostRead = {profileRead(bytes), kSource};

  into.hostExpert = {{}, kSource};
  for (int64_t rows = 1; rows <= kMostRows; rows *= 2) {
    HostExperts work(shape, static_cast<int64_t>(experts), rows, memory.data());
    SLUICE_ASSIGN_OR_RETURN(double us, timer.blocking([&](uint64_t) -> Status {
      SLUICE_RETURN_IF_ERROR(backend.startHostWork(work.launches));
      return backend.waitHostWork();
    }));
    into.hostExpert.points.push_back(
        {static_cast<double>(rows),
         static_cast<double>(memory.bytes()) / us / 1000});
  }
  SLUICE_ASSIGN_OR_RETURN(double overhead,
                          jobOverheadUs(backend, timer, shape, bytes));
  if (overhead > 0)
    into.hostJobUs = {overhead, kJobSource};
  // Without a bus there is nothing to share with it.
  if (std::string_view(backend.name()) != "cuda")
    return Status::ok();
  HostExperts work(shape, static_cast<int64_t>(experts), 1, memory.data());
  const uint64_t copied = std::clamp<uint64_t>(shape.bytes(), uint64_t{4} << 20,
                                               uint64_t{64} << 20);
  return profileShared(backend, work, bytes,
                       std::min<uint64_t>(copied, bytes.size()), into);
}

Status profileDisk(const std::string &path, Hardware &into) {
  constexpr size_t kBlock = size_t{16} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (file < 0)
    return Status::ok();
  void *block = std::aligned_alloc(4096, kBlock);
  uint64_t done = 0;
  const auto start = std::chrono::steady_clock::now();
  while (block && done < (uint64_t{1} << 30)) {
    const ssize_t got = ::pread(file, block, kBlock, static_cast<off_t>(done));
    if (got <= 0)
      break;
    done += static_cast<uint64_t>(got);
  }
  const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - start;
  std::free(block);
  (void)::close(file);
  // Of less than this, opening the file would be a part of the figure.
  if (done >= (uint64_t{64} << 20))
    into.diskRead = {static_cast<double>(done) / time.count() / 1000,
                     "measured by sluice-profile: " + path};
  return Status::ok();
}

} // namespace sluice::tools
