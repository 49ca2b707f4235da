//===- virtual_costs.h - A virtual machine of round costs -------*- C++ -*-===//
#pragma once

#include "runtime/core/hardware.h"

namespace sluice::testing {

/// A launch, a copy or the begin of a read costs the host 4 us, to learn of an
/// end 10 us; the disk gives `diskGbS` GB/s.
inline Hardware virtualCosts(double diskGbS) {
  Hardware hardware = builtInHardware();
  hardware.launchUs.value = 4;
  hardware.syncUs.value = 10;
  hardware.diskRead.value = diskGbS;
  return hardware;
}

} // namespace sluice::testing
