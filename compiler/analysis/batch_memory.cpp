//===- batch_memory.cpp - How memory grows with the batches ---------------===//

#include "compiler/analysis/batch_memory.h"

#include "compiler/pipeline/options.h"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

constexpr int64_t kFewest = 1;
/// Batches between the last two of the first trials.
constexpr int64_t kApart = 8;
/// With so many rows of a prefill step, and two tokens a sequence or more, the
/// last two trials both have them all.
constexpr int64_t kLeastRows = 2 * kApart;
/// All sequences of a trial together have no more tokens, far below what a plan
/// can hold.
constexpr int64_t kMostTokens = int64_t{1} << 30;

} // namespace

BatchMemory::BatchMemory(int64_t maxSeq, int64_t prefillRows)
    : maxSeq(maxSeq), rows(std::max(prefillRows, kLeastRows)) {
  const int64_t all = rows / maxSeq + (rows % maxSeq != 0);
  const int64_t most =
      std::min({rows, CompileOptions::kMaxBatch, kMostTokens / maxSeq});
  const int64_t few =
      std::clamp(all, kFewest, std::max(kFewest, most - kApart));
  first = {kFewest, few, few + kApart};
  if (few == kFewest)
    first.erase(first.begin());
}

double BatchMemory::rowsAt(int64_t batch) const {
  return static_cast<double>(std::min(rows, maxSeq * batch));
}

/// What the first trials explain: a batch and a row of a prefill step are as
/// large everywhere.
double BatchMemory::explained(int64_t batch) const {
  const int64_t few = first[first.size() - 2], more = first.back();
  const double perBatch =
      (found.at(more) - found.at(few)) / static_cast<double>(kApart);
  double perRow = 0;
  if (few > kFewest)
    perRow = (found.at(few) - found.at(kFewest) -
              perBatch * static_cast<double>(few - kFewest)) /
             (rowsAt(few) - rowsAt(kFewest));
  return found.at(kFewest) + perBatch * static_cast<double>(batch - kFewest) +
         perRow * (rowsAt(batch) - rowsAt(kFewest));
}

double BatchMemory::at(int64_t batch) const {
  // What is left is linear between those that were found, and beyond them.
  auto high = found.lower_bound(batch);
  if (high == found.begin())
    ++high;
  if (high == found.end())
    --high;
  const auto low = std::prev(high);
  const double left = low->second - explained(low->first);
  const double right = high->second - explained(high->first);
  const double share = static_cast<double>(batch - low->first) /
                       static_cast<double>(high->first - low->first);
  const double bytes = explained(batch) + left + share * (right - left);
  return bytes + std::max(bytes - found.at(kFewest), 0.0) / 64;
}

} // namespace sluice
