//===- read_request.h - An expert on its way from disk ----------*- C++ -*-===//
//
// What is left to read of one expert, whoever reads it: a reader asks for a
// run's next read, performs it, and says what came of it. Short reads go on
// where they stopped, refused direct reads become ordinary ones, and what
// cannot go on is an error.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/disk/read_list.h"

#include <cstddef>
#include <cstdint>
#include <sys/types.h>
#include <sys/uio.h>
#include <vector>

namespace sluice::experts {

/// One thread at a time uses it.
class ReadRequest {
public:
  /// Allocates for lists of at most so many runs and parts.
  void reserve(uint32_t runs, uint32_t parts);

  /// Starts over with a list. All memory must outlive the reads.
  void begin(const ReadList &list, const WeightFiles &files, std::byte *place,
             std::byte *scratch);

  uint32_t runs() const { return uint32_t(list.runs.size()); }

  /// A preadv to perform. The vector stays as it is until finished().
  struct Read {
    int descriptor;
    const iovec *parts;
    uint32_t count;
    uint64_t offset;
    bool direct;
  };
  Read next(uint32_t run) const;

  /// The run's read returned `result`: bytes, or -errno. True when the run is
  /// over, well or not; false when next() has to be performed.
  bool finished(uint32_t run, int64_t result);

  /// Whether all runs are over.
  bool isOver() const { return left == 0; }

  /// Call when over: moves what was read to the scratch, and says how it went.
  Status finish();

private:
  struct Progress {
    uint64_t done = 0;
    uint32_t part = 0; ///< The first of `vectors` that is not full.
    uint32_t tries = 0;
    bool over = false;
  };
  bool fail(uint32_t run, Status status);
  void advance(uint32_t run, uint64_t bytes);

  ReadList list;
  const WeightFiles *files = nullptr;
  std::byte *place = nullptr, *scratch = nullptr;
  std::vector<iovec> vectors;     ///< One a part.
  std::vector<Progress> progress; ///< One a run.
  uint32_t left = 0;
  Status failure;
};

} // namespace sluice::experts
