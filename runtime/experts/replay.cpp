//===- replay.cpp - Policies on a recorded trace --------------------------===//

#include "runtime/experts/replay.h"

#include "runtime/experts/division.h"
#include "runtime/experts/residency.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace sluice::experts {

uint32_t stayingOf(uint32_t missing, double hostShare) {
  if (hostShare <= 0)
    return missing;
  if (hostShare >= 1)
    return 0;
  return missing - divide(missing, 0, missing > 1 ? kDownShare : 0,
                          {1 / hostShare, 1 / (1 - hostShare)});
}

ReplayResult replay(const UseTrace &uses, uint32_t slots,
                    std::unique_ptr<Policy> policy,
                    const ReplayOptions &options) {
  const std::vector<uint32_t> bankExperts(uses.banks, uses.experts);
  Residency residency(slots, bankExperts, std::move(policy),
                      options.expertBytes);
  std::vector<uint32_t> order; // of a group: those with a slot, then the others
  order.reserve(uses.experts);
  std::vector<uint32_t> staying; // by the number of missing experts
  for (uint32_t missing = 0; missing <= uses.experts; ++missing)
    staying.push_back(stayingOf(missing, options.hostShare));
  std::vector<std::pair<uint32_t, uint32_t>> missing; // rows, id
  uint64_t taken = 0; // by experts, as long as that fills the pool
  auto isOnDisk = [&](uint32_t id) {
    return !options.onDisk.empty() && options.onDisk[id] != 0;
  };
  std::vector<uint64_t> missesByRows;
  std::vector<uint64_t> missesOf(size_t{uses.banks} * uses.experts, 0);
  for (uint32_t id : options.resident) {
    const uint32_t slot = residency.take(id, Purpose::Load);
    residency.arrived(slot);
    residency.release(slot);
    ++taken;
  }
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> layersAlike;
  uint64_t steps = 0;
  Counters warm; // what was counted when the warm-up ended
  for (size_t index = 0; index < uses.ends.size(); ++index) {
    const std::span<const uint32_t> group = uses.group(index);
    const uint64_t begin = uses.ends[index] - group.size();
    if (uses.bank[index] == 0) {
      residency.beginStep();
      if (steps++ == options.warmSteps)
        warm = residency.counters();
    }
    order.clear();
    for (size_t i = 0; i < group.size(); ++i) {
      residency.use(group[i], uses.rows[begin + i]);
      if (const uint32_t slot = residency.slotOf(group[i]); slot != kNone) {
        residency.hold(slot);
        order.push_back(group[i]);
      }
    }
    const size_t hits = order.size();
    missing.clear();
    for (size_t i = 0; i < group.size(); ++i)
      if (residency.slotOf(group[i]) == kNone)
        missing.emplace_back(uses.rows[begin + i], group[i]);
    if (steps > options.warmSteps) {
      uint32_t missesOnDisk = 0;
      for (const auto &[rows, id] : missing) {
        missesByRows.resize(std::max<size_t>(missesByRows.size(), rows + 1));
        ++missesByRows[rows];
        ++missesOf[id];
        missesOnDisk += isOnDisk(id);
      }
      ++layersAlike[{static_cast<uint32_t>(missing.size()), missesOnDisk}];
    }
    // The CPU takes those that fewest rows use, as far as it can read them.
    size_t elsewhere = 0;
    if (taken >= slots && staying[missing.size()] < missing.size()) {
      std::ranges::sort(missing, {}, [&](const auto &one) {
        return std::pair(isOnDisk(one.second), one);
      });
      const auto inMemory = static_cast<size_t>(std::ranges::count_if(
          missing, [&](const auto &one) { return !isOnDisk(one.second); }));
      elsewhere = std::min(inMemory, missing.size() - staying[missing.size()]);
    }
    for (const auto &[rows, id] : std::span(missing).subspan(elsewhere))
      order.push_back(id);
    taken += order.size() - hits;
    // What stands before `done` in the order has run and given its slot back.
    size_t done = 0;
    for (size_t i = hits; i < order.size(); ++i) {
      uint32_t slot = residency.take(order[i]);
      while (slot == kNone) {
        residency.release(residency.slotOf(order[done++]));
        slot = residency.take(order[i]);
      }
      residency.arrived(slot);
    }
    for (size_t i = done; i < order.size(); ++i)
      residency.release(residency.slotOf(order[i]));
  }
  if (steps <= options.warmSteps)
    return {};
  std::vector<LayersAlike> alike;
  alike.reserve(layersAlike.size());
  for (const auto &[misses, layers] : layersAlike)
    alike.push_back({misses.first, misses.second, layers});
  const Counters counters = residency.counters().since(warm);
  return {.demands = counters.demands,
          .hits = counters.hits,
          .misses = counters.misses,
          .evictions = counters.evictions,
          .bytes = counters.fetchedBytes,
          .layersAlike = std::move(alike),
          .missesByRows = std::move(missesByRows),
          .missesOf = std::move(missesOf)};
}

Result<ReplayResult> replay(const RoutingTrace &trace, uint32_t slots,
                            uint32_t rowsPerStep, std::string_view policy,
                            const ReplayOptions &options) {
  if (slots == 0 || rowsPerStep == 0 || trace.rows == 0)
    return Status(ErrorCode::InvalidArgument,
                  "replay: found " + std::to_string(slots) + " slots, " +
                      std::to_string(rowsPerStep) + " rows a step and " +
                      std::to_string(trace.rows) +
                      " tokens, expected at least 1 of each");
  const std::vector<uint32_t> bankExperts(trace.banks, trace.experts);
  SLUICE_ASSIGN_OR_RETURN(auto made,
                          makePolicy(policy, {.bankExperts = bankExperts}));
  return replay(groupUses(trace, rowsPerStep), slots, std::move(made), options);
}

Result<std::vector<PolicyRates>>
comparePolicies(const RoutingTrace &trace, std::span<const double> residencies,
                std::span<const uint32_t> rowsPerStep) {
  for (uint32_t rows : rowsPerStep)
    if (rows == 0 || rows > trace.rows)
      return Status(ErrorCode::InvalidArgument,
                    "rows a step: found " + std::to_string(rows) +
                        ", expected 1 to the trace's " +
                        std::to_string(trace.rows) + " tokens");
  for (double share : residencies)
    if (!(share > 0 && share <= 1))
      return Status(ErrorCode::InvalidArgument,
                    "residency: found " + std::to_string(share) +
                        ", expected a share above 0 and at most 1");
  const auto experts =
      static_cast<double>(uint64_t{trace.banks} * trace.experts);
  const std::vector<uint32_t> bankExperts(trace.banks, trace.experts);
  std::vector<PolicyRates> all;
  for (uint32_t rows : rowsPerStep) {
    const UseTrace uses = groupUses(trace, rows);
    for (double share : residencies) {
      PolicyRates &row = all.emplace_back();
      row.rowsPerStep = rows;
      row.residency = share;
      row.slots = static_cast<uint32_t>(
          std::max(1.0, std::floor(share * experts + 1e-6)));
      for (size_t i = 0; i < kPolicyNames.size(); ++i) {
        SLUICE_ASSIGN_OR_RETURN(
            auto policy,
            makePolicy(kPolicyNames[i], {.bankExperts = bankExperts}));
        row.rates[i] = replay(uses, row.slots, std::move(policy)).hitRate();
      }
      if (!uses.ids.empty())
        row.belady = static_cast<double>(beladyHits(uses, row.slots)) /
                     static_cast<double>(uses.ids.size());
    }
  }
  return all;
}

} // namespace sluice::experts
