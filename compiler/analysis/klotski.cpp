//===- klotski.cpp - How many batches hide the transfers ------------------===//

#include "compiler/analysis/klotski.h"

#include <algorithm>
#include <cstdio>

namespace sluice {

bool KlotskiCheck::holds() const {
  return std::ranges::all_of(
      constraints, [](const KlotskiConstraint &one) { return one.holds(); });
}

const KlotskiConstraint &KlotskiCheck::binding() const {
  return *std::ranges::min_element(constraints, {}, &KlotskiConstraint::slack);
}

KlotskiCheck checkKlotski(const KlotskiLatencies &t,
                          const KlotskiDemand &demand, int64_t batches) {
  const auto n = static_cast<double>(batches);
  const double both = n * (t.attention + t.gate);
  KlotskiCheck check;
  check.batches = batches;
  check.constraints = {{
      {"(4) gate", n * t.attention, t.gateIo},
      {"(5) hot experts", both, t.gateIo + demand.hot * t.expertIo},
      {"(6) first cold expert", both + t.hotExpert,
       t.gateIo + (demand.hot + 1) * t.expertIo},
      {"(7) next attention", both + t.hotExpert + demand.cold * t.expert,
       t.gateIo + (demand.hot + demand.cold) * t.expertIo + t.attentionIo},
  }};
  // Without a cold expert nothing is waited for between hot ones and the next
  // attention.
  if (demand.cold <= 0)
    check.constraints[2].right = t.gateIo + demand.hot * t.expertIo;
  return check;
}

std::optional<KlotskiCheck> smallestBatches(const KlotskiAt &at, int64_t most) {
  int64_t few = 0;
  for (int64_t n : batchesToTry(most)) {
    KlotskiCheck enough = at(n);
    if (!enough.holds()) {
      few = n;
      continue;
    }
    while (few + 1 < enough.batches) {
      const int64_t middle = few + (enough.batches - few) / 2;
      if (KlotskiCheck check = at(middle); check.holds())
        enough = check;
      else
        few = middle;
    }
    return enough;
  }
  return std::nullopt;
}

std::vector<int64_t> batchesToTry(int64_t most) {
  std::vector<int64_t> all;
  for (int64_t n = 1; n <= most; n *= 2) {
    all.push_back(n);
    if (n >= 2 && n + n / 2 <= most)
      all.push_back(n + n / 2);
  }
  if (!all.empty() && all.back() != most)
    all.push_back(most);
  return all;
}

std::string describe(const KlotskiCheck &check) {
  std::string text;
  for (const KlotskiConstraint &one : check.constraints) {
    char line[160];
    std::snprintf(line, sizeof line,
                  "  %-22s %9.3f ms of compute, %9.3f ms of transfer, slack "
                  "%+.3f%s\n",
                  one.name, one.left, one.right, one.slack(),
                  &one == &check.binding() ? " (binds)" : "");
    text += line;
  }
  return text;
}

} // namespace sluice
