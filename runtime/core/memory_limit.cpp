//===- memory_limit.cpp - What a process may have -------------------------===//

#include "runtime/core/memory_limit.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace sluice {

uint64_t mostMemory() {
  uint64_t most = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                  static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  // "max" where there is no limit.
  if (std::FILE *file = std::fopen("/sys/fs/cgroup/memory.max", "re")) {
    char text[32] = "";
    if (std::fgets(text, sizeof text, file))
      if (const uint64_t limit = std::strtoull(text, nullptr, 10))
        most = std::min(most, limit);
    (void)std::fclose(file);
  }
  return most;
}

} // namespace sluice
