//===- experts.cpp - Reference of routing and experts ---------------------===//

#include "tests/kernels/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice::test {
namespace {

void topK(const std::vector<double> &p, int64_t k, bool normalize, double *ids,
          double *weights) {
  std::vector<int> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += p[order[i]];
  for (int64_t i = 0; i < k; ++i) {
    ids[i] = order[i];
    weights[i] = p[order[i]] / (normalize ? sum : 1);
  }
}

/// The values' softmax.
std::vector<double> softmax(std::vector<double> p) {
  double most = *std::max_element(p.begin(), p.end()), sum = 0;
  for (double &value : p)
    sum += value = std::exp(value - most);
  for (double &value : p)
    value /= sum;
  return p;
}

/// To the type of a buffer: f32 is near enough to double, bf16 is not.
double rounded(double value, DType type) {
  if (type != DType::BF16)
    return value;
  constexpr int kBits = 8;
  int exponent = 0;
  double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, kBits)),
                    exponent - kBits);
}

/// hidden, experts, top_k, normalize; what is passed on is rounded in between.
void addNormRoute(const Case &source, Doubles &x) {
  const int64_t hidden = source.args.dim[0], experts = source.args.dim[1];
  const int64_t k = source.args.dim[2];
  const DType type = source.args.dtype[0];
  for (int64_t row = 0; row < source.rows; ++row) {
    double *sum = &x[4][row * hidden], *out = &x[5][row * hidden];
    double squares = 0;
    for (int64_t i = 0; i < hidden; ++i) {
      sum[i] = rounded(x[0][row * hidden + i] + x[1][row * hidden + i], type);
      squares += sum[i] * sum[i];
    }
    const double root = std::sqrt(squares / static_cast<double>(hidden) +
                                  source.args.scalar[0]);
    for (int64_t i = 0; i < hidden; ++i)
      out[i] = rounded(sum[i] / root * x[2][i], type);
    std::vector<double> logits(experts);
    for (int64_t expert = 0; expert < experts; ++expert)
      logits[expert] =
          std::inner_product(out, out + hidden, &x[3][expert * hidden], 0.0);
    std::copy(logits.begin(), logits.end(), &x[6][row * experts]);
    topK(softmax(logits), k, source.args.dim[3] != 0, &x[7][row * k],
         &x[8][row * k]);
  }
}

} // namespace

bool referenceExperts(const Case &source, Doubles &x) {
  const int64_t *dim = source.args.dim, rows = source.rows;
  switch (source.kernel) {
  case Kernel::TopK:
  case Kernel::Route:
    for (int64_t row = 0; row < rows; ++row) {
      auto begin = x[0].begin() + row * dim[0];
      std::vector<double> p(begin, begin + dim[0]);
      if (source.kernel == Kernel::Route)
        p = softmax(std::move(p));
      topK(p, dim[1], dim[2] != 0, &x[1][row * dim[1]], &x[2][row * dim[1]]);
    }
    return true;
  case Kernel::AddNormRoute:
    addNormRoute(source, x);
    return true;
  case Kernel::ExpertDemand: {
    int64_t pair = 0;
    for (int64_t expert = 0; expert < dim[0]; ++expert) {
      x[1][expert] = static_cast<double>(pair);
      for (int64_t i = 0; i < rows * dim[1]; ++i)
        if (x[0][i] == static_cast<double>(expert))
          x[2][pair++] = static_cast<double>(i);
    }
    x[1][dim[0]] = static_cast<double>(pair);
    return true;
  }
  case Kernel::ExpertGateUp:
  case Kernel::ExpertDown: {
    bool isDown = source.kernel == Kernel::ExpertDown;
    int64_t topk = dim[1], hidden = dim[2], inner = dim[3];
    int64_t inputs = isDown ? inner : hidden;
    int64_t outputs = isDown ? hidden : inner;
    for (size_t pair = 0; pair < source.ids.size(); ++pair) {
      auto slot = static_cast<int64_t>(x[3][source.ids[pair]]);
      int64_t row = static_cast<int64_t>(pair) / (isDown ? 1 : topk);
      auto product = [&](int64_t offset, int64_t output) {
        const double *w = &x[4][slot * dim[5] + offset + output * inputs];
        return std::inner_product(w, w + inputs, &x[0][row * inputs], 0.0);
      };
      for (int64_t o = isDown ? dim[7] : 0; o < outputs; ++o) {
        double &out = x[5][pair * outputs + o];
        double first = product(dim[6], o);
        out = isDown ? first
                     : first / (1 + std::exp(-first)) * product(dim[7], o);
      }
    }
    return true;
  }
  case Kernel::ExpertCombine:
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[1]; ++i) {
        double sum = 0;
        for (int64_t k = row * dim[0]; k < (row + 1) * dim[0]; ++k) {
          const bool theirs = dim[2] != 0 && i < static_cast<int64_t>(x[4][k]);
          sum += x[1][k] * x[theirs ? 3 : 0][k * dim[1] + i];
        }
        x[2][row * dim[1] + i] = sum;
      }
    return true;
  case Kernel::ExpertScatter:
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = static_cast<int64_t>(x[1][row]) * dim[1];
      std::copy_n(&x[0][at], dim[1], &x[2][at]);
    }
    return true;
  default:
    return false;
  }
}

} // namespace sluice::test
