//===- attention.cpp - Reference of rope, KV cache and attention ----------===//

#include "tests/kernels/reference/reference.h"

#include <algorithm>
#include <cmath>

namespace sluice::test {
namespace {

// Norm (where there is a weight) and rotation of one head.
void turn(const double *in, const double *weight, double eps, int64_t headDim,
          const double *cosine, const double *sine, double *out) {
  std::vector<double> x(in, in + headDim);
  if (weight) {
    double squares = 0;
    for (double value : x)
      squares += value * value;
    for (int64_t i = 0; i < headDim; ++i)
      x[i] *= weight[i] / std::sqrt(squares / headDim + eps);
  }
  for (int64_t i = 0; i < headDim / 2; ++i) {
    out[i] = x[i] * cosine[i] - x[i + headDim / 2] * sine[i];
    out[i + headDim / 2] = x[i + headDim / 2] * cosine[i] + x[i] * sine[i];
  }
}

} // namespace

bool referenceAttention(const Case &source, Doubles &x) {
  const int64_t *dim = source.args.dim, rows = source.rows;
  // The pool's cell of a token, by the operands of table, tokens a page and
  // pages a sequence.
  auto cell = [&](int table, int64_t pageTokens, int64_t perSequence,
                  double sequence, int64_t position) {
    double page = x[table][static_cast<int64_t>(sequence) * perSequence +
                           position / pageTokens];
    return static_cast<int64_t>(page) * pageTokens + position % pageTokens;
  };
  switch (source.kernel) {
  case Kernel::Rope: {
    int64_t heads = dim[0], width = dim[1];
    for (int64_t i = 0; i < rows * heads; ++i) {
      auto angle = static_cast<int64_t>(x[1][i / heads]) * (width / 2);
      turn(&x[0][i * width], nullptr, 0, width, &x[2][angle], &x[3][angle],
           &x[4][i * width]);
    }
    return true;
  }
  case Kernel::KvWrite: {
    int64_t width = dim[0] * dim[1];
    for (int64_t row = 0; row < rows; ++row) {
      int64_t to =
          cell(4, dim[3], dim[5], x[3][row], static_cast<int64_t>(x[2][row]));
      for (int64_t i = 0; i < width; ++i) {
        x[5][to * width + i] = x[0][row * width + i];
        x[6][to * width + i] = x[1][row * width + i];
      }
    }
    return true;
  }
  case Kernel::QkNormRopeWrite: {
    int64_t heads = dim[0], kvHeads = dim[1], width = dim[2];
    double eps = source.args.scalar[0];
    for (int64_t row = 0; row < rows; ++row) {
      auto position = static_cast<int64_t>(x[5][row]);
      const double *cosine = &x[8][position * (width / 2)];
      const double *sine = &x[9][position * (width / 2)];
      int64_t to = cell(7, dim[5], dim[7], x[6][row], position) * kvHeads;
      for (int64_t h = 0; h < heads; ++h)
        turn(&x[0][(row * heads + h) * width], x[3].data(), eps, width, cosine,
             sine, &x[10][(row * heads + h) * width]);
      for (int64_t h = 0; h < kvHeads; ++h) {
        turn(&x[1][(row * kvHeads + h) * width], x[4].data(), eps, width,
             cosine, sine, &x[11][(to + h) * width]);
        for (int64_t i = 0; i < width; ++i)
          x[12][(to + h) * width + i] = x[2][(row * kvHeads + h) * width + i];
      }
    }
    return true;
  }
  case Kernel::Attention: {
    int64_t heads = dim[0], kvHeads = dim[1], width = dim[2];
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t context = static_cast<int64_t>(x[3][row]) + 1;
        const double *q = &x[0][(row * heads + h) * width];
        double *out = &x[7][(row * heads + h) * width];
        std::vector<int64_t> from(context);
        std::vector<double> score(context, 0);
        for (int64_t j = 0; j < context; ++j) {
          from[j] = (cell(5, dim[4], dim[6], x[4][row], j) * kvHeads +
                     h / (heads / kvHeads)) *
                    width;
          for (int64_t i = 0; i < width; ++i)
            score[j] += q[i] * x[1][from[j] + i] * source.args.scalar[0];
        }
        double most = *std::max_element(score.begin(), score.end()), sum = 0;
        std::fill_n(out, width, 0.0);
        for (int64_t j = 0; j < context; ++j) {
          double p = std::exp(score[j] - most);
          sum += p;
          for (int64_t i = 0; i < width; ++i)
            out[i] += p * x[2][from[j] + i];
        }
        for (int64_t i = 0; i < width; ++i)
          out[i] /= sum;
      }
    return true;
  }
  default:
    return false;
  }
}

} // namespace sluice::test
