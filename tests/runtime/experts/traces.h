//===- traces.h - Traces that tests invent ----------------------*- C++ -*-===//
#pragma once

#include "runtime/experts/routing_source.h"
#include "runtime/experts/routing_trace.h"

#include <cstdint>
#include <vector>

namespace sluice::experts {

/// `tokens` tokens of synthetic routing, one after the other.
inline RoutingTrace syntheticTrace(RoutingShape shape,
                                   const SyntheticRouting &how,
                                   uint64_t tokens) {
  shape.maxRows = 1;
  const auto source = makeSyntheticRouting(shape, how);
  RoutingTrace trace{.banks = shape.banks,
                     .experts = shape.experts,
                     .topK = shape.topK,
                     .rows = tokens,
                     .ids = {}};
  trace.ids.resize(tokens * shape.banks * shape.topK);
  for (uint64_t token = 0; token < tokens; ++token)
    for (uint32_t bank = 0; bank < shape.banks; ++bank)
      source->fill(token, bank, 1, shape.topK,
                   trace.ids.data() +
                       (token * shape.banks + bank) * shape.topK);
  return trace;
}

} // namespace sluice::experts
