//===- disk_tier.cpp - Experts that are read when wanted ------------------===//

#include "runtime/experts/disk/disk_tier.h"

#include "runtime/experts/bounce.h"
#include "runtime/experts/host_pool.h"
#include "runtime/experts/ids.h"

#include <algorithm>
#include <cstdio>

namespace sluice::experts {
namespace {

namespace fb = plan::fb;

static_assert(kDirectBlock == kReadBlock);

/// Enough to keep a disk busy with reads of whole experts.
constexpr unsigned kReadThreads = 4;

} // namespace

/// A ring cut into places.
struct DiskTier::Pool {
  std::byte *start = nullptr;
  uint64_t stride = 0;
  uint32_t firstPlace = 0, places = 0;
  bool shifts = false;
  std::unique_ptr<ReadLists> lists;
  ReadBuffer scratch;
  uint64_t scratchBytes = 0; ///< Of one place.
};

struct DiskTier::Place {
  enum class State : uint8_t { Free, Reading, Given };
  uint32_t pool = 0;
  uint32_t bank = 0, expert = 0;
  State state = State::Free;
  std::byte *start = nullptr;
  std::byte *scratch = nullptr;
  uint64_t shift = 0;
};

DiskTier::DiskTier(const fb::Plan &plan, const ExpertSegments &segments,
                   WeightFiles files)
    : plan(plan), segments(segments), files(std::move(files)) {}

// The reader first: it still uses the requests and their memory.
DiskTier::~DiskTier() { reader.reset(); }

Result<std::unique_ptr<DiskTier>>
DiskTier::make(const fb::Plan &plan, ExpertSegments &segments,
               const std::vector<bool> &onDisk, std::span<const Ring> rings,
               WeightFiles files, Weights weights, VirtualDisk *disk) {
  std::unique_ptr<DiskTier> tier(
      new DiskTier(plan, segments, std::move(files)));
  SLUICE_RETURN_IF_ERROR(tier->makePlaces(rings));
  if (weights == Weights::Files) {
    SLUICE_RETURN_IF_ERROR(tier->makeLists(segments, onDisk));
    SLUICE_RETURN_IF_ERROR(tier->makeScratch());
  }
  SLUICE_RETURN_IF_ERROR(tier->makeReader(weights, disk));
  return tier;
}

Status DiskTier::makePlaces(std::span<const Ring> rings) {
  for (const Ring &ring : rings) {
    Pool pool;
    pool.start = ring.memory.data();
    pool.firstPlace = uint32_t(places.size());
    // Room to shift images, unless that leaves too few of them.
    const uint64_t roomy = bouncePlaceBytes(ring.slotBytes);
    pool.shifts = ring.memory.size() / roomy >= 2;
    pool.stride = pool.shifts ? roomy : ring.slotBytes;
    pool.places = uint32_t(ring.memory.size() / pool.stride);
    for (uint32_t i = 0; i < pool.places; ++i) {
      Place place;
      place.pool = uint32_t(pools.size());
      place.start = pool.start + i * pool.stride;
      places.push_back(place);
    }
    pools.push_back(std::move(pool));
  }
  return Status::ok();
}

Status DiskTier::makeLists(ExpertSegments &all,
                           const std::vector<bool> &onDisk) {
  for (Pool &pool : pools)
    pool.lists = std::make_unique<ReadLists>(
        files, reinterpret_cast<uintptr_t>(pool.start) % kReadBlock,
        pool.shifts);
  listOf.assign(all.experts(), kNone);
  std::vector<uint32_t> counts(pools.size(), 0);
  for (uint32_t bank = 0; bank < all.banks(); ++bank) {
    const fb::ExpertBank &entry = *plan.expert_banks()->Get(bank);
    for (uint32_t expert = 0; expert < entry.experts(); ++expert) {
      const uint32_t id = all.id(bank, expert);
      if (!onDisk[id])
        continue;
      pools[entry.pool()].lists->add(all.of(id));
      listOf[id] = counts[entry.pool()]++;
    }
  }
  return Status::ok();
}

Status DiskTier::makeScratch() {
  for (Pool &pool : pools) {
    pool.scratchBytes =
        (pool.lists->mostScratch() + kReadBlock - 1) / kReadBlock * kReadBlock;
    const uint64_t bytes = pool.scratchBytes * pool.places;
    if (bytes == 0)
      continue;
    pool.scratch = ReadBuffer(bytes);
    if (pool.scratch.bytes().empty())
      return Status(ErrorCode::OutOfMemory,
                    "no memory for the " + std::to_string(bytes) +
                        " bytes through which experts are read from disk");
    for (uint32_t i = 0; i < pool.places; ++i)
      places[pool.firstPlace + i].scratch =
          pool.scratch.bytes().data() + i * pool.scratchBytes;
  }
  return Status::ok();
}

Status DiskTier::makeReader(Weights weights, VirtualDisk *disk) {
  const auto count = uint32_t(places.size());
  const unsigned threads = std::min(kReadThreads, std::max(1u, count));
  if (weights == Weights::None) {
    reader = makeVirtualReader(
        *disk, count, [this](uint32_t place) { return describe(place); });
    return Status::ok();
  }
  if (weights == Weights::MadeUp) {
    reader = makeThreadReader(count, threads,
                              [this](uint32_t place) { fill(place); });
    return Status::ok();
  }
  requests.resize(count);
  uint64_t mostReads = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const ReadLists &lists = *pools[places[i].pool].lists;
    requests[i].reserve(lists.mostRuns(), lists.mostParts());
    mostReads += lists.mostRuns();
  }
  // Ordinary reads copy in the kernel, which would do so in our thread.
  bool direct = true;
  for (uint32_t file = 0; file < files.count(); ++file)
    direct = direct && files.isDirect(file);
  if (direct) {
    auto uring = makeUringReader(requests, mostReads);
    if (uring) {
      reader = std::move(*uring);
      return Status::ok();
    }
    std::fprintf(stderr, "%s; experts are read from disk by %u threads\n",
                 std::string(uring.status().message()).c_str(), threads);
  }
  reader = makeThreadReader(count, threads, [this](uint32_t place) {
    readBlocking(requests[place]);
  });
  return Status::ok();
}

void DiskTier::fill(uint32_t index) {
  const Place &place = places[index];
  for (const Segment &segment :
       segments.of(segments.id(place.bank, place.expert)))
    makeUp(plan, place.bank, segment, segment.offset,
           place.start + segment.target);
}

VirtualRead DiskTier::describe(uint32_t index) const {
  const Place &place = places[index];
  VirtualRead read{0,
                   {"read",
                    int32_t(plan.expert_banks()->Get(place.bank)->layer()),
                    int32_t(place.expert)}};
  for (const Segment &segment :
       segments.of(segments.id(place.bank, place.expert)))
    read.bytes += segment.bytes;
  return read;
}

Result<bool> DiskTier::startRead(uint32_t bank, uint32_t expert) {
  const Pool &pool = pools[plan.expert_banks()->Get(bank)->pool()];
  const auto begin = places.begin() + pool.firstPlace;
  const auto end = begin + pool.places;
  auto place = std::find_if(begin, end, [](const Place &place) {
    return place.state == Place::State::Free;
  });
  if (place == end)
    return false;
  const auto index = uint32_t(place - places.begin());
  place->bank = bank;
  place->expert = expert;
  if (!requests.empty()) {
    const ReadList list = (*pool.lists)[listOf[segments.id(bank, expert)]];
    place->shift = list.shift;
    requests[index].begin(list, files, place->start, place->scratch);
  }
  SLUICE_RETURN_IF_ERROR(reader->submit(index));
  place->state = Place::State::Reading;
  ++inFlight;
  return true;
}

Result<Arrival> DiskTier::over(uint32_t index) {
  --inFlight;
  Place &place = places[index];
  place.state = Place::State::Free;
  if (!requests.empty())
    if (Status status = requests[index].finish(); !status)
      return wantedFor(std::move(status), plan, place.bank, place.expert);
  place.state = Place::State::Given;
  return Arrival{place.bank, place.expert, place.start + place.shift};
}

Result<std::optional<Arrival>> DiskTier::poll() {
  if (inFlight == 0)
    return std::optional<Arrival>();
  SLUICE_ASSIGN_OR_RETURN(std::optional<uint32_t> index, reader->poll());
  if (!index)
    return std::optional<Arrival>();
  SLUICE_ASSIGN_OR_RETURN(Arrival arrival, over(*index));
  return std::optional(arrival);
}

Result<Arrival> DiskTier::waitRead() {
  if (inFlight == 0)
    return Status(ErrorCode::Internal,
                  "waiting for an expert from disk, found no read under way");
  SLUICE_ASSIGN_OR_RETURN(uint32_t index, reader->wait());
  return over(index);
}

void DiskTier::doneWith(const std::byte *image) {
  for (Place &place : places)
    if (place.state == Place::State::Given &&
        place.start + place.shift == image) {
      place.state = Place::State::Free;
      return;
    }
}

} // namespace sluice::experts
