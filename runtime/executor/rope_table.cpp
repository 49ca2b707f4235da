//===- rope_table.cpp - Cosines and sines of positions --------------------===//

#include "runtime/executor/rope_table.h"

#include <cmath>

namespace sluice {

void makeRopeRows(const plan::fb::RopeTable &table, uint32_t position,
                  std::span<float> cos, std::span<float> sin) {
  const auto &frequencies = *table.inverse_frequencies();
  double scale = table.scale();
  size_t i = 0;
  for (; i < cos.size(); ++position)
    for (float frequency : frequencies) {
      float angle = float(position) * frequency;
      cos[i] = float(std::cos(double(angle)) * scale);
      sin[i] = float(std::sin(double(angle)) * scale);
      ++i;
    }
}

} // namespace sluice
