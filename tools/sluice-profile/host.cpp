//===- host.cpp - What the CPU reads and computes -------------------------===//

#include "tools/sluice-profile/host.h"

#include "kernels/cpu/primitives.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/core/memory_limit.h"
#include "tools/sluice-profile/host_figures.h"
#include "tools/sluice-profile/host_jobs.h"
#include "tools/sluice-profile/host_reading.h"
#include "tools/sluice-profile/random_bits.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace sluice::tools {
namespace {

/// Different bits everywhere are not needed, only such as real weights have:
/// every block is filled alike.
void fill(std::span<std::byte> bytes) {
  static constexpr size_t kBlock = size_t{16} << 20;
  cpu::ThreadPool(cpu::usableCores())
      .run(
          static_cast<int64_t>((bytes.size() + kBlock - 1) / kBlock),
          [](void *context, int64_t begin, int64_t end) {
            auto &bytes = *static_cast<std::span<std::byte> *>(context);
            for (auto i = static_cast<size_t>(begin);
                 i < static_cast<size_t>(end); ++i)
              fillRandom(bytes.subspan(
                  i * kBlock, std::min(kBlock, bytes.size() - i * kBlock)));
          },
          &bytes);
}

/// A mean of jobs with pauses between them takes so many times as long as
/// another figure may.
constexpr double kMeanBudgets = 20;

/// Experts of a job whose rate is taken: about what a layer leaves to the CPU.
constexpr int64_t kUsual = 4;

/// Rows an expert serves where rates are taken; hostExpertUs says what is
/// beyond. The kernels take rows in blocks, of 8 or (AVX2) 4, and begin the
/// next one at a step: between two rates far on both of its sides experts would
/// be taken to be faster than they are. Both sides of the first step of either
/// are here; of blocks of 4 that behind 12 rows is not.
constexpr std::array<int64_t, 7> kRows = {1, 2, 4, 5, 8, 9, 16};
static_assert(cpu::kRowBlock == 8);
/// The same beside copies, where together goes by the rate alone.
constexpr std::array<int64_t, 5> kSharedRows = {1, 2, 4, 8, 16};

/// Rates by rows and the cost of a job, from jobs alone.
Status profileJobs(HostJobs &jobs, double eachMs, double expertBytes,
                   Hardware &into) {
  // What a job costs beside its experts: where the line through the times of
  // smaller and larger ones meets none.
  constexpr std::array<HostJob, 4> kSizes = {
      {{.experts = 1}, {.experts = 2}, {.experts = kUsual}, {.experts = 8}}};
  std::vector<HostJob> kinds(kSizes.begin(), kSizes.end());
  for (size_t i = 1; i < kRows.size(); ++i)
    kinds.push_back({.experts = kUsual, .rows = kRows[i]});
  SLUICE_ASSIGN_OR_RETURN(const std::vector<HostJobTimes> times,
                          jobs.measure(kinds, eachMs));
  std::array<Curve::Point, kSizes.size()> bySize;
  for (size_t i = 0; i < bySize.size(); ++i)
    bySize[i] = {static_cast<double>(kSizes[i].experts), times[i].jobUs};
  const double jobUs = fitLine(bySize).at0;
  if (jobUs > 0)
    into.hostJobUs = {
        jobUs, "measured by sluice-profile: jobs of 1, 2, 4 and 8 experts"};
  into.hostExpert = {
      {},
      "measured by sluice-profile: jobs of " + std::to_string(kUsual) +
          " experts at random places in " + std::to_string(jobs.bytes() >> 20) +
          " MiB with pauses between them, without host_job_us"};
  for (size_t i = 0; i < kinds.size(); ++i)
    if (kinds[i].experts == kUsual)
      into.hostExpert.points.push_back(
          {static_cast<double>(kinds[i].rows),
           kUsual * expertBytes / 1e3 / withoutUs(times[i].jobUs, jobUs)});
  return Status::ok();
}

/// What bus and host experts reach at once, by rows. The job's own cost is in
/// hostJobUs and a copy's latency in the layer's round trip: without them here.
Status profileShared(HostJobs &jobs, double eachMs, double expertBytes,
                     Hardware &into) {
  // Nobody measured it yet: sizes of jobs and copies go by what is assumed.
  into.shared = {};
  const double busAlone = expertBytes / 1e3 / into.hostToDeviceUs(expertBytes);
  std::vector<HostJob> kinds;
  for (int64_t rows : kSharedRows) {
    const JobAndCopies size = shareEvenly(into.together(
        {busAlone, into.hostExpert.at(static_cast<double>(rows))}));
    kinds.push_back(
        {.experts = size.experts, .rows = rows, .copies = size.copies});
  }
  SLUICE_ASSIGN_OR_RETURN(const std::vector<HostJobTimes> times,
                          jobs.measure(kinds, eachMs));
  SharedMemory shared;
  std::string sizes;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto rows = static_cast<double>(kinds[i].rows);
    const std::optional<HostRates> rates = ratesWhileBoth(
        {.bytes = static_cast<double>(kinds[i].copies) * expertBytes,
         .us = withoutUs(times[i].copiesUs, into.copyLatencyUs.value),
         .alone = busAlone},
        {.bytes = static_cast<double>(kinds[i].experts) * expertBytes,
         .us = withoutUs(times[i].jobUs, into.hostJobUs.value),
         .alone = into.hostExpert.at(rows)});
    if (!rates)
      continue;
    shared.points.push_back({rows, *rates});
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(kinds[i].experts) +
             " and " + std::to_string(kinds[i].copies);
  }
  if (shared.points.empty())
    return Status::ok();
  shared.busAlone = busAlone;
  shared.source = "measured by sluice-profile: jobs of host experts beside "
                  "copies of others (" +
                  sizes + "), at random places in " +
                  std::to_string(jobs.bytes() >> 20) + " MiB";
  into.shared = std::move(shared);
  return Status::ok();
}

} // namespace

Status profileHost(Backend &backend, const HostBudget &budget,
                   const ExpertShape &shape, Hardware &into) {
  const uint64_t bytes =
      budget.bytes ? budget.bytes
                   : std::max(measuredBytes(mostMemory(), budget.planned),
                              shape.bytes());
  if (bytes < shape.bytes())
    return Status(ErrorCode::InvalidArgument,
                  "--host-memory: " + std::to_string(bytes) +
                      " bytes, expected room for one expert of " +
                      std::to_string(shape.bytes()) + " at least");
  SLUICE_ASSIGN_OR_RETURN(
      Allocation memory,
      backend.allocate(MemoryKind::Host,
                       bytes / shape.bytes() * shape.bytes()));
  const std::span<std::byte> weights(memory.data(), memory.bytes());
  fill(weights);
  into.hostRead = profileRead(weights);
  HostJobs jobs(backend, shape, weights);
  const double eachMs = kMeanBudgets * budget.ms;
  const auto expertBytes = static_cast<double>(shape.bytes());
  SLUICE_RETURN_IF_ERROR(profileJobs(jobs, eachMs, expertBytes, into));
  if (!backend.isVirtual()) {
    SLUICE_ASSIGN_OR_RETURN(const std::string text,
                            compareWithReading(jobs, weights, shape, eachMs));
    into.hostRead.source += text;
  }
  // Without a bus there is nothing to share with it.
  return std::string_view(backend.name()) == "cpu"
             ? Status::ok()
             : profileShared(jobs, eachMs, expertBytes, into);
}

std::string profileDisk(const std::string &path, Hardware &into) {
  static constexpr size_t kBlock = size_t{16} << 20;
  static constexpr uint64_t kLeast = uint64_t{64} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (file < 0)
    return path + ": cannot open for direct reads: " + std::strerror(errno);
  void *block = std::aligned_alloc(4096, kBlock);
  uint64_t done = 0;
  std::string failure;
  const auto start = std::chrono::steady_clock::now();
  while (block && done < (uint64_t{1} << 30)) {
    const ssize_t got = ::pread(file, block, kBlock, static_cast<off_t>(done));
    if (got < 0)
      failure = path + ": cannot read: " + std::strerror(errno);
    if (got <= 0)
      break;
    done += static_cast<uint64_t>(got);
  }
  const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - start;
  std::free(block);
  (void)::close(file);
  if (done < kLeast)
    return !failure.empty()
               ? failure
               : path + ": found " + std::to_string(done) +
                     " bytes, expected " + std::to_string(kLeast) + " or more";
  into.diskRead = {static_cast<double>(done) / time.count() / 1000,
                   "measured by sluice-profile: " + path};
  return "";
}

} // namespace sluice::tools
