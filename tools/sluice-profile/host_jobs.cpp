//===- host_jobs.cpp - Jobs of experts as a layer makes them --------------===//

#include "tools/sluice-profile/host_jobs.h"

#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/host_work.h"
#include "tools/sluice-profile/host_figures.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <random>

namespace sluice::tools {
namespace {

static_assert(kPauseUs < static_cast<double>(cpu::kAwake.count()));

/// Rounds that are not counted: threads are made, clocks and pages wake up.
constexpr int kColdRounds = 2;
constexpr int kLeastRounds = 16, kMostRounds = 2000;

constexpr uint32_t kEvent = 0;

/// Both halves of `experts` experts that serve `rows` rows each.
class HostExperts {
public:
  HostExperts(const ExpertShape &shape, const HostJob &job,
              std::span<std::byte> weights)
      : in(job.rows * job.experts * shape.hidden, 0.5f),
        inner(job.rows * job.experts * shape.inner), out(in.size()),
        offsets(job.experts + 1), order(job.rows * job.experts),
        slots(job.experts) {
    for (size_t i = 0; i < offsets.size(); ++i)
      offsets[i] = static_cast<int32_t>(static_cast<int64_t>(i) * job.rows);
    std::iota(order.begin(), order.end(), 0);
    const int64_t part = shape.hidden * shape.inner;
    HostLaunch &up = both[0], &down = both[1];
    up = {Kernel::ExpertGateUp, {}, job.rows * job.experts};
    up.args.dim[7] = part; // up behind gate
    down = {Kernel::ExpertDown, {}, job.rows * job.experts};
    down.args.dim[6] = 2 * part; // down behind up
    for (HostLaunch *launch : {&up, &down}) {
      KernelArgs &args = launch->args;
      args.maxRows = launch->rows;
      const std::array<int64_t, 6> dims = {
          job.experts,
          1,
          shape.hidden,
          shape.inner,
          static_cast<int64_t>(weights.size() / shape.bytes()),
          3 * part};
      std::copy(dims.begin(), dims.end(), args.dim);
      args.data[1] = offsets.data();
      args.data[2] = order.data();
      args.data[3] = slots.data();
      args.data[4] = weights.data();
      for (int i = 1; i < 4; ++i)
        args.dtype[i] = DType::I32;
      args.dtype[4] = shape.dtype;
      args.dtype[0] = args.dtype[5] = DType::F32;
    }
    up.args.data[0] = in.data();
    up.args.data[5] = down.args.data[0] = inner.data();
    down.args.data[5] = out.data();
  }

  /// Other experts than before, for the next job.
  std::span<const HostLaunch> launches(RandomPlaces &places) {
    for (int32_t &slot : slots)
      slot = places.next();
    return both;
  }

private:
  std::array<HostLaunch, 2> both;
  std::vector<float> in, inner, out;
  std::vector<int32_t> offsets, order, slots;
};

/// The times of one kind so far.
struct Measured {
  HostExperts work;
  int64_t copies;
  std::vector<double> jobUs, copiesUs;
};

int32_t placesIn(std::span<std::byte> weights, const ExpertShape &shape) {
  return static_cast<int32_t>(std::min<uint64_t>(
      weights.size() / shape.bytes(), std::numeric_limits<int32_t>::max()));
}

/// Asks for an event until the time has come, as the thread that drives a run
/// does, which waits for ids.
Status pause(Backend &backend) {
  const double until = backend.clockUs() + kPauseUs;
  while (backend.clockUs() < until)
    if (auto reached = backend.query(kEvent); !reached)
      return reached.takeStatus();
  return Status::ok();
}

} // namespace

RandomPlaces::RandomPlaces(int32_t count) : order(count) {
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(count));
}

int32_t RandomPlaces::next() {
  const int32_t place = order[at];
  at = (at + 1) % order.size();
  return place;
}

HostJobs::HostJobs(Backend &backend, const ExpertShape &shape,
                   std::span<std::byte> weights)
    : backend(backend), shape(shape), weights(weights),
      places(placesIn(weights, shape)) {}

Result<std::vector<HostJobTimes>>
HostJobs::measure(std::span<const HostJob> kinds, double eachMs) {
  std::vector<Measured> all;
  bool copies = false;
  for (const HostJob &kind : kinds) {
    all.push_back({HostExperts(shape, kind, weights), kind.copies, {}, {}});
    copies |= kind.copies > 0;
  }
  // One place: copies of a stream follow each other.
  SLUICE_ASSIGN_OR_RETURN(
      Allocation device,
      backend.allocate(MemoryKind::Device, copies ? shape.bytes() : 0));
  SLUICE_RETURN_IF_ERROR(backend.reserveEvents(kEvent + 1));

  auto once = [&](Measured &kind) -> Status {
    SLUICE_RETURN_IF_ERROR(pause(backend));
    SLUICE_RETURN_IF_ERROR(backend.startHostWork(kind.work.launches(places)));
    const double start = backend.clockUs();
    for (int64_t copy = 0; copy < kind.copies; ++copy)
      SLUICE_RETURN_IF_ERROR(backend.copy(
          StreamKind::Demand, device.data(), MemoryKind::Device,
          weights.data() + static_cast<uint64_t>(places.next()) * shape.bytes(),
          MemoryKind::Host, shape.bytes()));
    if (kind.copies > 0) {
      SLUICE_RETURN_IF_ERROR(backend.record(StreamKind::Demand, kEvent));
      SLUICE_RETURN_IF_ERROR(backend.waitOnHost(kEvent));
      kind.copiesUs.push_back(backend.clockUs() - start);
    }
    SLUICE_RETURN_IF_ERROR(backend.waitHostWork());
    kind.jobUs.push_back(backend.hostWorkUs());
    return Status::ok();
  };
  auto round = [&]() -> Status {
    for (Measured &kind : all)
      SLUICE_RETURN_IF_ERROR(once(kind));
    return Status::ok();
  };

  for (int i = 0; i < kColdRounds; ++i)
    SLUICE_RETURN_IF_ERROR(round());
  for (Measured &kind : all) {
    kind.jobUs.clear();
    kind.copiesUs.clear();
  }
  const double end =
      backend.clockUs() + eachMs * 1e3 * static_cast<double>(kinds.size());
  for (int i = 0; i < kMostRounds; ++i) {
    if (i >= kLeastRounds && backend.clockUs() >= end)
      break;
    SLUICE_RETURN_IF_ERROR(round());
  }
  std::vector<HostJobTimes> times;
  times.reserve(all.size());
  for (Measured &kind : all)
    times.push_back({meanUs(std::move(kind.jobUs)),
                     kind.copies > 0 ? meanUs(std::move(kind.copiesUs)) : 0});
  return times;
}

} // namespace sluice::tools
