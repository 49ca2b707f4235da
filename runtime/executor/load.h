//===- load.h - Brings a plan's data to the device --------------*- C++ -*-===//
#pragma once

#include "runtime/executor/bind.h"
#include "runtime/executor/executor.h"
#include "runtime/io/file.h"

namespace sluice {

/// Fills constants and rope tables, then runs the plan's load entry, reading
/// from `files` (openCheckpoint's; ignored with options.synthetic, where
/// weights are made up, and on a virtual backend, where they stay as they are).
/// Counts the bytes of the host pool, which ExpertHome::load fills later, into
/// the total of the progress. Returns when everything has arrived.
Status loadData(const plan::Plan &plan, const BoundMemory &memory,
                const std::vector<File> &files, Backend &backend,
                const LoadOptions &options);

} // namespace sluice
