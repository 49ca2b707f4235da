//===- host_room.h - Images and ring of a host budget -----------*- C++ -*-===//
//
// What is left of --host-memory holds images of experts. Where it does not hold
// all of them the others lie on the disk, and a ring of places, each of the
// size of an image, is where they are read into: those places hold no expert
// for good.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice {

/// A ring needs one image that is read into while another one is copied out.
inline constexpr int64_t kLeastRing = 2;
/// More places bring no more reads on their way.
inline constexpr int64_t kMostRing = 16;

struct HostRoom {
  int64_t experts = 0;    ///< Whose home is host memory.
  int64_t ringPlaces = 0; ///< 0 where no expert lives on the disk.
};

/// Divides room for `images` images (0 or more) when there are `experts`
/// experts. The ring comes first: an eighth of the room, at least kLeastRing
/// (also where there is no room for them: then the plan is over its budget) and
/// at most `mostPlaces`.
inline HostRoom divideHostRoom(int64_t images, int64_t experts,
                               int64_t mostPlaces = kMostRing) {
  if (images >= experts)
    return {experts, 0};
  const int64_t places = std::clamp<int64_t>(
      images / 8, kLeastRing, std::max<int64_t>(kLeastRing, mostPlaces));
  return {std::max<int64_t>(0, images - places), places};
}

/// Experts whose home is host memory where there is room for `images` images.
/// Without the pass place-experts (`placed`) none moves to the disk: all are in
/// host memory, whatever the budget.
inline int64_t expertsOnHost(int64_t images, int64_t experts, bool placed) {
  return placed ? divideHostRoom(std::max<int64_t>(0, images), experts).experts
                : experts;
}

} // namespace sluice
