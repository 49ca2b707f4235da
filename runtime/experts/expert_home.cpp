//===- expert_home.cpp - Where experts are when in no slot ----------------===//

#include "runtime/experts/expert_home.h"

#include "runtime/experts/disk/disk_tier.h"
#include "runtime/experts/expert_segments.h"
#include "runtime/experts/host_pool.h"
#include "runtime/experts/ids.h"
#include "runtime/experts/load_bytes.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::experts {
namespace {

namespace fb = plan::fb;

Status tooSmall(const plan::Plan &plan, uint32_t pool, const char *what,
                uint64_t found, uint64_t expected) {
  return Status(ErrorCode::Internal,
                plan.name() + ": expert pool " + std::to_string(pool) + ": a " +
                    what + " buffer of " + std::to_string(found) +
                    " bytes, expected at least " + std::to_string(expected));
}

} // namespace

struct ExpertHome::State {
  const fb::Plan *plan = nullptr;
  ExpertSegments segments;
  std::vector<std::byte *> images; ///< Of each expert; null: on disk.
  std::unique_ptr<DiskTier> disk;  ///< Null when no expert is there.
};

ExpertHome::ExpertHome(std::unique_ptr<State> state)
    : state(std::move(state)) {}
ExpertHome::~ExpertHome() = default;

Result<std::unique_ptr<ExpertHome>>
ExpertHome::load(const plan::Plan &planFile, Backend &backend,
                 std::span<const File> files, const HostBuffer &buffer,
                 const LoadOptions &options) {
  const fb::Plan &plan = planFile.get();
  auto state = std::make_unique<State>();
  state->plan = &plan;
  SLUICE_ASSIGN_OR_RETURN(state->segments, ExpertSegments::make(planFile));
  ExpertSegments &segments = state->segments;

  // Addresses in the host pools, by the order of banks and experts.
  const uint32_t pools = plan.expert_pools() ? plan.expert_pools()->size() : 0;
  std::vector<uint64_t> poolBytes(pools, 0);
  std::vector<bool> poolReads(pools, false);
  std::vector<bool> onDisk(segments.experts(), false);
  state->images.assign(segments.experts(), nullptr);
  for (uint32_t b = 0; b < segments.banks(); ++b) {
    const fb::ExpertBank &bank = *plan.expert_banks()->Get(b);
    const fb::ExpertPool &pool = *plan.expert_pools()->Get(bank.pool());
    for (uint32_t e = 0; e < bank.experts(); ++e) {
      const uint32_t id = segments.id(b, e);
      if (bank.homes()->Get(e) != uint8_t(fb::Home::Host)) {
        onDisk[id] = poolReads[bank.pool()] = true;
        continue;
      }
      if (pool.host_buffer() == kNone)
        return tooSmall(planFile, bank.pool(), "host", 0, pool.slot_bytes());
      std::span<std::byte> memory = buffer(pool.host_buffer());
      uint64_t &used = poolBytes[bank.pool()];
      if (memory.size() - used < pool.slot_bytes())
        return tooSmall(planFile, bank.pool(), "host", memory.size(),
                        used + pool.slot_bytes());
      state->images[id] = memory.data() + used;
      used += pool.slot_bytes();
    }
  }

  const bool isVirtual = backend.isVirtual();
  const bool reads = !isVirtual && !options.synthetic;
  WeightFiles weights;
  if (reads && segments.experts() > 0) {
    SLUICE_ASSIGN_OR_RETURN(
        weights, WeightFiles::open(files, WeightFiles::Mode::Direct));
    for (uint32_t id = 0; id < segments.experts(); ++id)
      for (const Segment &segment : std::as_const(segments).of(id))
        SLUICE_RETURN_IF_ERROR(
            weights.check(segment.file, segment.offset, segment.bytes));
  }

  const uint64_t fetched = fetchedBytes(plan), pooled = hostPoolBytes(plan);
  LoadProgress progress(options.progress, fetched, fetched + pooled);
  if (isVirtual)
    progress.add(pooled);
  else
    SLUICE_RETURN_IF_ERROR(
        fillHostPool(plan, segments, state->images, reads ? &weights : nullptr,
                     loadThreads(options.threads), progress));

  std::vector<DiskTier::Ring> rings(pools);
  for (uint32_t p = 0; p < pools; ++p) {
    const fb::ExpertPool &pool = *plan.expert_pools()->Get(p);
    rings[p].slotBytes = pool.slot_bytes();
    if (!poolReads[p])
      continue;
    if (pool.bounce_buffer() != kNone)
      rings[p].memory = buffer(pool.bounce_buffer());
    if (rings[p].memory.size() < pool.slot_bytes())
      return tooSmall(planFile, p, "bounce", rings[p].memory.size(),
                      pool.slot_bytes());
  }
  if (std::find(onDisk.begin(), onDisk.end(), true) != onDisk.end()) {
    auto kind = isVirtual           ? DiskTier::Weights::None
                : options.synthetic ? DiskTier::Weights::MadeUp
                                    : DiskTier::Weights::Files;
    SLUICE_ASSIGN_OR_RETURN(state->disk,
                            DiskTier::make(plan, segments, onDisk, rings,
                                           std::move(weights), kind,
                                           backend.virtualDisk()));
  }
  return std::unique_ptr<ExpertHome>(new ExpertHome(std::move(state)));
}

const std::byte *ExpertHome::image(uint32_t bank, uint32_t expert) const {
  return state->images[state->segments.id(bank, expert)];
}

Result<bool> ExpertHome::startRead(uint32_t bank, uint32_t expert) {
  if (image(bank, expert))
    return Status(ErrorCode::InvalidArgument,
                  "asked to read expert " + std::to_string(expert) +
                      " of bank " + std::to_string(bank) +
                      " from disk, found it in host memory");
  return state->disk->startRead(bank, expert);
}

Result<std::optional<Arrival>> ExpertHome::poll() {
  if (!state->disk)
    return std::optional<Arrival>();
  return state->disk->poll();
}

Result<Arrival> ExpertHome::waitRead() {
  if (!state->disk)
    return Status(ErrorCode::Internal,
                  "waiting for an expert from disk, found none there");
  return state->disk->waitRead();
}

uint32_t ExpertHome::readsInFlight() const {
  return state->disk ? state->disk->readsInFlight() : 0;
}

void ExpertHome::doneWith(const std::byte *image) {
  if (state->disk)
    state->disk->doneWith(image);
}

} // namespace sluice::experts
