//===- dense.cpp - Reference of the dense kernels -------------------------===//

#include "tests/kernels/reference/reference.h"

#include <algorithm>
#include <cmath>

namespace sluice::test {

Doubles runReference(const Case &source) {
  Operands before(source);
  Doubles x(source.image.size());
  for (size_t i = 0; i < x.size(); ++i)
    if (!source.image[i].empty())
      for (int64_t k = 0; k < before.elements(static_cast<int>(i)); ++k)
        x[i].push_back(before.value(static_cast<int>(i), k));
  if (!referenceDense(source, x) && !referenceAttention(source, x) &&
      !referenceExperts(source, x))
    x.clear();
  return x;
}

bool referenceDense(const Case &source, Doubles &x) {
  const int64_t *dim = source.args.dim, rows = source.rows;
  auto norm = [&](const double *in, const std::vector<double> &weight,
                  double *out) {
    double squares = 0, width = static_cast<double>(weight.size());
    for (size_t i = 0; i < weight.size(); ++i)
      squares += in[i] * in[i];
    double root = std::sqrt(squares / width + source.args.scalar[0]);
    for (size_t i = 0; i < weight.size(); ++i)
      out[i] = in[i] / root * weight[i];
  };
  using Numbers = std::vector<double>;
  auto linear = [&](const Numbers &weight, const Numbers &bias, int64_t outputs,
                    Numbers &out) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t o = 0; o < outputs; ++o) {
        double sum = bias.empty() ? 0 : bias[o];
        for (int64_t i = 0; i < dim[0]; ++i)
          sum += x[0][row * dim[0] + i] * weight[o * dim[0] + i];
        out[row * outputs + o] = sum;
      }
  };
  switch (source.kernel) {
  case Kernel::Embed:
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[1]; ++i)
        x[2][row * dim[1] + i] =
            x[1][static_cast<int64_t>(x[0][row]) * dim[1] + i];
    return true;
  case Kernel::Linear:
    linear(x[1], x[2], dim[1], x[3]);
    return true;
  case Kernel::LinearGroup:
    for (int matrix : {0, 1, 2})
      linear(x[1 + 3 * matrix], x[2 + 3 * matrix], dim[1 + matrix],
             x[3 + 3 * matrix]);
    return true;
  case Kernel::RmsNorm:
    for (int64_t group = 0; group < rows * dim[0]; ++group)
      norm(&x[0][group * dim[1]], x[1], &x[2][group * dim[1]]);
    return true;
  case Kernel::Add:
    for (size_t i = 0; i < x[0].size(); ++i)
      x[2][i] = x[0][i] + x[1][i];
    return true;
  case Kernel::AddRmsNorm:
    for (size_t i = 0; i < x[0].size(); ++i)
      x[3][i] = x[0][i] + x[1][i];
    for (int64_t row = 0; row < rows; ++row)
      norm(&x[3][row * dim[0]], x[2], &x[4][row * dim[0]]);
    return true;
  case Kernel::Softmax:
    for (int64_t row = 0; row < rows; ++row) {
      const double *in = &x[0][row * dim[0]];
      double most = *std::max_element(in, in + dim[0]), sum = 0;
      for (int64_t i = 0; i < dim[0]; ++i)
        sum += std::exp(in[i] - most);
      for (int64_t i = 0; i < dim[0]; ++i)
        x[1][row * dim[0] + i] = std::exp(in[i] - most) / sum;
    }
    return true;
  case Kernel::Swiglu:
    for (size_t i = 0; i < x[0].size(); ++i)
      x[2][i] = x[0][i] / (1 + std::exp(-x[0][i])) * x[1][i];
    return true;
  case Kernel::SelectRows:
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[0]; ++i)
        x[2][row * dim[0] + i] =
            x[0][static_cast<int64_t>(x[1][row]) * dim[0] + i];
    return true;
  default:
    return false;
  }
}

} // namespace sluice::test
