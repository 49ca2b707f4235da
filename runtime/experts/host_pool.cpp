//===- host_pool.cpp - Slot images in host memory -------------------------===//

#include "runtime/experts/host_pool.h"

#include "runtime/experts/load_bytes.h"
#include "runtime/io/parallel.h"
#include "runtime/io/read_pieces.h"
#include "runtime/io/synthetic.h"

#include <algorithm>
#include <cstring>

namespace sluice::experts {
namespace {

namespace fb = plan::fb;

/// Large enough for any disk, small enough that a thread's scratch stays in its
/// cache.
constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

struct Owner {
  uint32_t bank, expert;
  std::byte *image;
};

} // namespace

void makeUp(const fb::Plan &plan, uint32_t bank, const Segment &segment,
            uint64_t tensorOffset, std::byte *target) {
  const fb::ExpertPool &pool =
      *plan.expert_pools()->Get(plan.expert_banks()->Get(bank)->pool());
  fillSynthetic({target, segment.bytes},
                syntheticKey(segment.file, tensorOffset),
                segment.offset - tensorOffset,
                storageType(plan.buffers()->Get(pool.buffer())->dtype()),
                SyntheticKind::Matrix);
}

Status fillHostPool(const fb::Plan &plan, const ExpertSegments &segments,
                    std::span<std::byte *const> images,
                    const WeightFiles *files, unsigned threads,
                    LoadProgress &progress) {
  std::vector<Owner> owners;
  std::vector<WantedRange> wanted;
  for (uint32_t bank = 0; bank < segments.banks(); ++bank)
    for (uint32_t expert = 0;
         expert < plan.expert_banks()->Get(bank)->experts(); ++expert) {
      const uint32_t id = segments.id(bank, expert);
      if (!images[id])
        continue;
      for (const Segment &segment : segments.of(id))
        wanted.push_back({segment.file, uint32_t(owners.size()), segment.offset,
                          segment.bytes, segment.target, segment.offset});
      owners.push_back({bank, expert, images[id]});
    }
  const ReadPieces pieces = cutIntoPieces(std::move(wanted), kPieceBytes);

  std::vector<ReadBuffer> scratch;
  if (files)
    for (size_t i = 0; i < std::min<size_t>(threads, pieces.pieces.size());
         ++i) {
      scratch.emplace_back(kPieceBytes + 2 * kReadBlock);
      if (scratch.back().bytes().empty())
        return Status(ErrorCode::OutOfMemory,
                      "no memory for the " + std::to_string(kPieceBytes) +
                          " bytes through which a thread reads experts");
    }
  return forEachParallel(
      pieces.pieces.size(), threads, [&](size_t index, unsigned thread) {
        const ReadPiece &piece = pieces.pieces[index];
        const std::byte *data = nullptr;
        if (files) {
          auto read = files->read(piece.file, piece.offset, piece.bytes,
                                  scratch[thread].bytes());
          if (!read) {
            const Owner &owner = owners[pieces.of(piece).front().owner];
            return wantedFor(read.takeStatus(), plan, owner.bank, owner.expert);
          }
          data = *read;
        }
        uint64_t bytes = 0;
        for (const WantedRange &range : pieces.of(piece)) {
          const Owner &owner = owners[range.owner];
          std::byte *target = owner.image + range.target;
          if (data)
            std::memcpy(target, data + (range.offset - piece.offset),
                        range.bytes);
          else
            makeUp(plan, owner.bank, {range.file, range.offset, range.bytes, 0},
                   range.tensorOffset, target);
          bytes += range.bytes;
        }
        progress.add(bytes);
        return Status::ok();
      });
}

} // namespace sluice::experts
