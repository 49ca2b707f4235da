//===- klotski.h - How many batches hide the transfers ----------*- C++ -*-===//
//
// The planner of Klotski (arXiv 2502.06888): n batches share one step; while
// their attentions run one after the other, the gate and the K hottest experts
// of the layer arrive, then the experts that the gate chose. The smallest n
// that lets every transfer end before it is waited for satisfies, with t for
// compute, i for transfer, A attention, G gate, E expert:
//
//   (4)  n tA                    >= iG
//   (5)  n (tA + tG)             >= iG + K iE
//   (6)  n (tA + tG) + tHot      >= iG + (K + 1) iE
//   (7)  n (tA + tG) + tHot + sum of tE over Q
//                                >= iG + (K + |Q|) iE + iA
//
// Q is the set of cold experts that the gate activates. Here Q depends on n:
// more batches activate more experts, so n is searched, not solved for.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The six latencies, milliseconds of one batch in one layer, and the counts.
/// Weights that stay in device memory have a transfer time of 0.
struct KlotskiLatencies {
  double attention = 0;   ///< tA, of one batch.
  double gate = 0;        ///< tG, of one batch.
  double expert = 0;      ///< tE, of one expert with its rows.
  double hotExpert = 0;   ///< tHot; 0 is the paper's worst case.
  double attentionIo = 0; ///< iA
  double gateIo = 0;      ///< iG
  double expertIo = 0;    ///< iE, of one expert.
};

/// What n batches make a layer move.
struct KlotskiDemand {
  double hot = 0;  ///< K: experts that move ahead, while attentions run.
  double cold = 0; ///< |Q|: experts that move after the gate.
};

/// One constraint at one n: left side - right side, milliseconds.
struct KlotskiConstraint {
  const char *name = ""; ///< "(4) gate", "(5) hot experts", ...
  double left = 0, right = 0;
  double slack() const { return left - right; }
  bool holds() const { return left >= right; }
};

struct KlotskiCheck {
  int64_t batches = 0;
  std::array<KlotskiConstraint, 4> constraints;
  bool holds() const;
  /// The constraint with the least slack.
  const KlotskiConstraint &binding() const;
};

KlotskiCheck checkKlotski(const KlotskiLatencies &latencies,
                          const KlotskiDemand &demand, int64_t batches);

/// The constraints at n batches: latencies and demand may depend on n.
using KlotskiAt = std::function<KlotskiCheck(int64_t batches)>;

/// Numbers up to `most` worth a look: doublings and halfway between them, in
/// order, and `most` itself.
std::vector<int64_t> batchesToTry(int64_t most);

/// The smallest n in 1 .. `most` that satisfies all four constraints; nothing
/// where none of batchesToTry does. Between the last of these that does not and
/// the first that does it halves: the left sides grow with n and the union of
/// experts ever more slowly, so where one batch is too few there is one n from
/// which it is enough. Calls `at` once for each n it looks at.
std::optional<KlotskiCheck> smallestBatches(const KlotskiAt &at, int64_t most);

/// One line a constraint: both sides, slack, which one binds.
std::string describe(const KlotskiCheck &check);

} // namespace sluice
