//===- linear_group.cpp - Two or three matrix products of the same rows ---===//
//
// The tiles of all matrices one after the other, shared out in one go: a thread
// that is done with the first goes on with the next.
//
//===----------------------------------------------------------------------===//

#include "kernels/linear_group.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/linear.h"

namespace sluice::cpu {

void linearGroup(const KernelArgs &args, int64_t rows,
                 const Parallel &parallel) {
  const LinearTiles first{linearOfGroup(args, 0), rows};
  const LinearTiles second{linearOfGroup(args, 1), rows};
  // Without a third matrix its outputs are 0, and so are its tiles.
  const LinearTiles third{linearOfGroup(args, 2), rows};
  const LinearTiles *all[kGroupMatrices] = {&first, &second, &third};
  int64_t tiles = first.tiles + second.tiles + third.tiles;
  forRanges(parallel, tiles, [&](int64_t begin, int64_t end) {
    for (const LinearTiles *work : all) {
      work->run(std::max<int64_t>(begin, 0), std::min(end, work->tiles));
      begin -= work->tiles;
      end -= work->tiles;
    }
  });
}

} // namespace sluice::cpu
