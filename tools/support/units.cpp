//===- units.cpp - Bytes for people ---------------------------------------===//

#include "tools/support/units.h"

#include <cstdio>
#include <iterator>

namespace sluice::tools {

std::string formatBytes(uint64_t bytes) {
  constexpr const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit)
    value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", unit == 0 ? 0 : 2, value,
                units[unit]);
  return text;
}

} // namespace sluice::tools
