//===- rope_config.h - Rotary parameters from config.json -------*- C++ -*-===//
#pragma once

#include "compiler/frontend/rope.h"
#include "runtime/core/json.h"
#include "runtime/core/status.h"

#include <cstdint>

namespace sluice::frontend {

/// Reads the rotary parameters of `config`, the root of a config.json:
/// rope_theta at top level or in rope_parameters (transformers 5), scaling in
/// rope_scaling or rope_parameters, its kind under rope_type or type (default,
/// linear or yarn). Unknown kinds and keys, values that contradict each other
/// and numbers without sense are refused by name.
/// `maxPositions`: max_position_embeddings, the default of
/// original_max_position_embeddings.
Result<RopeConfig> parseRope(const JsonObject &config, int64_t maxPositions);

} // namespace sluice::frontend
