//===- callers_core.cpp - A core for who hands out work -------------------===//

#include "runtime/backend/cpu/callers_core.h"

#include <utility>

namespace sluice::cpu {

CallersCore::CallersCore(unsigned threads) {
  canSpare = sched_getaffinity(0, sizeof(usable), &usable) == 0 &&
             static_cast<unsigned>(CPU_COUNT(&usable)) > threads;
}

const cpu_set_t *CallersCore::moved() {
  if (!canSpare)
    return nullptr;
  const int core = sched_getcpu();
  // Who moves about is not followed: to move threads takes time too.
  const bool stays = std::exchange(seen, core) == core || avoided < 0;
  if (core == avoided || !stays || core < 0 || core >= CPU_SETSIZE)
    return nullptr;
  avoided = core;
  others = usable;
  CPU_CLR(core, &others);
  return &others;
}

} // namespace sluice::cpu
