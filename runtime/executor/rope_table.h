//===- rope_table.h - Cosines and sines of positions ------------*- C++ -*-===//
#pragma once

#include "runtime/plan/plan_generated.h"

#include <span>

namespace sluice {

/// Fills the rows `position`, `position` + 1, ... of a rope table, each one
/// value a frequency, until `cos` and `sin` (of one size, whole rows) are full:
///   angle = float(position) * inverse_frequency, in f32;
///   cos = f32(cos(angle) * scale), sin = f32(sin(angle) * scale),
/// with cosine, sine and product in f64, so that the f32 value is the same
/// wherever the table is made.
void makeRopeRows(const plan::fb::RopeTable &table, uint32_t position,
                  std::span<float> cos, std::span<float> sin);

} // namespace sluice
