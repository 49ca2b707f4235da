//===- case_helpers.cpp - What is said of cases, and how many -------------===//

#include "tests/kernels/cases.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace sluice::test {

void sortByExpert(std::span<const int32_t> ids, int64_t experts,
                  std::vector<int32_t> &offsets, std::vector<int32_t> &order) {
  order.resize(ids.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return ids[a] != ids[b] ? ids[a] < ids[b] : a < b;
  });
  offsets.assign(experts + 1, 0);
  for (int32_t id : ids)
    ++offsets[id + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
}

std::string Case::describe() const {
  const Signature &info = signature();
  std::string text = std::string(info.name) + " seed " + std::to_string(seed) +
                     " rows " + std::to_string(rows);
  for (size_t i = 0; i < info.dims.size(); ++i)
    text += std::string(" ") + info.dims[i] + "=" + std::to_string(args.dim[i]);
  for (size_t i = info.dims.size(); i < std::size(args.dim); ++i)
    if (args.dim[i] != 0)
      text += " dim" + std::to_string(i) + "=" + std::to_string(args.dim[i]);
  for (size_t i = 0; i < info.operands.size(); ++i)
    text += std::string(" ") + info.operands[i].name + ":" +
            (image[i].empty() ? "absent" : name(args.dtype[i]));
  return text;
}

int caseCount(int usual) {
  const char *most = std::getenv("SLUICE_CASES");
  return most ? std::clamp(std::atoi(most), 1, usual) : usual;
}

} // namespace sluice::test
