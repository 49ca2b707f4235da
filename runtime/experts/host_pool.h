//===- host_pool.h - Slot images in host memory -----------------*- C++ -*-===//
#pragma once

#include "runtime/experts/expert_segments.h"
#include "runtime/io/load_progress.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::experts {

/// Fills the images of the experts whose home is the host, in large reads in
/// the order of the files, on `threads` threads. `images` holds an address for
/// each expert of the plan, null for the others. Without `files` the weights
/// are made up. Errors name the file, the tensor, what was found and expected.
Status fillHostPool(const plan::fb::Plan &plan, const ExpertSegments &segments,
                    std::span<std::byte *const> images,
                    const WeightFiles *files, unsigned threads,
                    LoadProgress &progress);

/// Makes up the bytes of one range of an expert of `bank`: what fillHostPool
/// does without files. `segment` may be a part of a tensor that begins at
/// `tensorOffset` of its file, a multiple of 64 before it.
void makeUp(const plan::fb::Plan &plan, uint32_t bank, const Segment &segment,
            uint64_t tensorOffset, std::byte *target);

} // namespace sluice::experts
