//===- batch_memory.h - How memory grows with the batches -------*- C++ -*-===//
//
// --batch auto asks what plans of every n take and compiles a few of them. Its
// experts aside a plan takes so many bytes, so many more a batch (its cache,
// its row of a decode step) and so many more a row of a prefill step. The rows
// of a prefill step are --prefill-rows, but never more than all sequences have
// tokens: they grow with the first batches and then no more, and must not be
// taken for growth of every batch. What this does not explain (a workspace is
// as large as the largest of its uses, and with more batches that is another
// one) is measured at further n and taken to be linear between them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace sluice {

/// One memory of plans that differ in their batches alone. A plain value.
class BatchMemory {
public:
  /// For sequences of `maxSeq` tokens and --prefill-rows, both at least 1.
  BatchMemory(int64_t maxSeq, int64_t prefillRows);

  /// Numbers of batches to compile first, increasing: two, or three where the
  /// rows of a prefill step grow beyond the first.
  std::span<const int64_t> trials() const { return first; }
  /// --prefill-rows of all trials: as given, but at least what trials() need.
  int64_t prefillRows() const { return rows; }

  /// `bytes` were found at `batch` batches: of all trials(), then of others.
  void add(int64_t batch, double bytes) { found[batch] = bytes; }
  bool isKnown(int64_t batch) const { return found.contains(batch); }

  /// Bytes at `batch` batches, once trials() are known. What grows is taken to
  /// grow by a 64th more: a plan whose experts move has a little more workspace
  /// a batch than the trials, where they all stay.
  double at(int64_t batch) const;

private:
  double rowsAt(int64_t batch) const;
  double explained(int64_t batch) const;

  int64_t maxSeq, rows;
  std::vector<int64_t> first;
  std::map<int64_t, double> found; ///< Bytes by batches.
};

} // namespace sluice
