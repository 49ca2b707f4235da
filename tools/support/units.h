//===- units.h - Bytes for people -------------------------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <string>

namespace sluice::tools {

/// "9.44 MiB": two decimals, in the binary units of --gpu-memory (B, KiB, MiB,
/// GiB, TiB).
std::string formatBytes(uint64_t bytes);

} // namespace sluice::tools
