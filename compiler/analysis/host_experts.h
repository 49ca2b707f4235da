//===- host_experts.h - Experts that few rows use, on the CPU ---*- C++ -*-===//
//
// The bus moves an expert at the same price for any number of rows, the CPU
// does not compute it so: it is given those of the missing experts that fewest
// rows use, and the more it is given the more rows each of them serves.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/analysis/cost_model.h"

#include <vector>

namespace sluice {

/// The missing experts of a layer, by the rows they serve.
class HostExperts {
public:
  /// `load`: its `rows`, or where it has none all serve as many of `batch`
  /// rows.
  HostExperts(const LayerShape &layer, const ExpertLoad &load, double batch,
              const Hardware &hardware);

  // Of the share 0..1 of the missing experts that fewest rows use, over all
  // that are missing.

  /// Microseconds of the CPU, while nothing else reads the host's memory.
  double us(double share) const { return at(share, &Class::us); }
  /// Rows that they serve.
  double rows(double share) const { return at(share, &Class::rows); }

  /// The share at which a bus that takes `copyUs` for each of the others ends
  /// at the same time, where both slow each other down while both run.
  double balancedShare(double copyUs) const;
  /// What one of those takes.
  double eachUs(double share) const;

private:
  /// Experts of the same number of rows.
  struct Class {
    double chance = 0, us = 0, rows = 0; ///< One expert's.
  };
  double at(double share, double Class::*what) const;

  std::vector<Class> classes; ///< By rows, the fewest first.
  double bytes;
  const Hardware &hardware;
};

} // namespace sluice
