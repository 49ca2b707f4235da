//===- model.cpp - The written arithmetic, as plainly as possible ---------===//

#include "tests/kernels/model.h"

#include "kernels/convert.h"

#include <cmath>
#include <cstring>

namespace sluice::test {
namespace {

using Floats = std::vector<float>;

float tree(float (&s)[32]) {
  for (int d : {16, 8, 4, 2, 1}) {
    float next[32];
    for (int j = 0; j < 32; ++j)
      next[j] = s[j] + s[j ^ d];
    std::memcpy(s, next, sizeof s);
  }
  return s[0];
}

float dot(const float *x, const float *w, int64_t n) {
  float s[32] = {};
  for (int64_t i = 0; i < n; ++i)
    s[(i / 8) % 32] = std::fma(x[i], w[i], s[(i / 8) % 32]);
  return tree(s);
}

float sum(const float *x, int64_t n) {
  float s[32] = {};
  for (int64_t i = 0; i < n; ++i)
    s[(i / 8) % 32] = s[(i / 8) % 32] + x[i];
  return tree(s);
}

class Model {
public:
  Model(const Case &source, Operands &data)
      : data(data), dim(source.args.dim), scalar(source.args.scalar[0]),
        rows(source.rows), x(source.image.size()) {
    for (size_t i = 0; i < x.size(); ++i)
      if (!source.image[i].empty())
        for (int64_t k = 0; k < data.elements(i); ++k)
          x[i].push_back(data.value(static_cast<int>(i), k));
  }

  void embed() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[1]; ++i)
        put(2, row * dim[1] + i, x[1][id(0, row) * dim[1] + i]);
  }

  /// By the matrix at operand `weight`, behind which are its bias and output.
  void linear(int weight, int64_t outputs) {
    const Floats &bias = x[weight + 1];
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t o = 0; o < outputs; ++o) {
        float y = dot(&x[0][row * dim[0]], &x[weight][o * dim[0]], dim[0]);
        put(weight + 2, row * outputs + o, bias.empty() ? y : y + bias[o]);
      }
  }
  void linearGroup() {
    for (int matrix : {0, 1, 2})
      linear(1 + 3 * matrix, dim[1 + matrix]);
  }

  /// Norm of `width` elements of operand `in` at `from` to `out` at `to`.
  void norm(int in, int64_t from, int weight, int64_t width, int out,
            int64_t to) {
    const float *v = &x[in][from];
    float r =
        1.0f / std::sqrt(dot(v, v, width) / static_cast<float>(width) + scalar);
    for (int64_t i = 0; i < width; ++i)
      put(out, to + i, x[weight][i] * (v[i] * r));
  }
  void rmsNorm() {
    for (int64_t group = 0; group < rows * dim[0]; ++group)
      norm(0, group * dim[1], 1, dim[1], 2, group * dim[1]);
  }
  void add(int out) {
    for (int64_t i = 0; i < rows * dim[0]; ++i)
      put(out, i, x[0][i] + x[1][i]);
  }
  void addRmsNorm() {
    add(3);
    for (int64_t row = 0; row < rows; ++row)
      norm(3, row * dim[0], 2, dim[0], 4, row * dim[0]);
  }

  /// Rotates `v` by the angles of a position into `out` at `to`.
  void turn(const float *v, int64_t width, int cosine, int64_t position,
            int out, int64_t to) {
    int64_t half = width / 2;
    for (int64_t i = 0; i < half; ++i) {
      float a = v[i], b = v[i + half];
      float c = x[cosine][position * half + i];
      float s = x[cosine + 1][position * half + i];
      put(out, to + i, std::fma(a, c, -(b * s)));
      put(out, to + half + i, std::fma(b, c, a * s));
    }
  }
  void rope() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t h = 0; h < dim[0]; ++h) {
        int64_t at = (row * dim[0] + h) * dim[1];
        turn(&x[0][at], dim[1], 2, id(1, row), 4, at);
      }
  }

  int64_t cell(int table, int64_t perSequence, int64_t pageTokens,
               int64_t sequence, int64_t position) {
    return id(table, sequence * perSequence + position / pageTokens) *
               pageTokens +
           position % pageTokens;
  }
  void kvWrite() {
    int64_t width = dim[0] * dim[1];
    for (int64_t row = 0; row < rows; ++row) {
      int64_t to = cell(4, dim[5], dim[3], id(3, row), id(2, row)) * width;
      for (int64_t i = 0; i < width; ++i) {
        put(5, to + i, x[0][row * width + i]);
        put(6, to + i, x[1][row * width + i]);
      }
    }
  }
  void qkNormRopeWrite() {
    int64_t heads = dim[0], kvHeads = dim[1], width = dim[2];
    auto head = [&](int in, int64_t from, int weight, int64_t position, int out,
                    int64_t to) {
      // The norm's result in its place, rounded; then turned from a copy.
      norm(in, from, weight, width, out, to);
      Floats normed(&x[out][to], &x[out][to] + width);
      turn(normed.data(), width, 8, position, out, to);
    };
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t h = row * heads; h < (row + 1) * heads; ++h)
        head(0, h * width, 3, id(5, row), 10, h * width);
      int64_t to = cell(7, dim[7], dim[5], id(6, row), id(5, row)) * kvHeads;
      for (int64_t h = 0; h < kvHeads; ++h) {
        int64_t from = (row * kvHeads + h) * width;
        head(1, from, 4, id(5, row), 11, (to + h) * width);
        for (int64_t i = 0; i < width; ++i)
          put(12, (to + h) * width + i, x[2][from + i]);
      }
    }
  }

  void attention() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t h = 0; h < dim[0]; ++h)
        attentionHead(row, h);
  }
  void attentionHead(int64_t row, int64_t h) {
    int64_t heads = dim[0], kvHeads = dim[1], width = dim[2];
    int64_t context = id(3, row) + 1, at = (row * heads + h) * width;
    int64_t splits = (context + 255) / 256;
    Floats m(splits, -INFINITY), l(splits), acc(splits * width, 0.0f);
    for (int64_t s = 0; s < splits; ++s) {
      int64_t first = s * 256, n = std::min<int64_t>(256, context - first);
      std::vector<int64_t> kv(n);
      Floats p(n);
      for (int64_t j = 0; j < n; ++j) {
        kv[j] = (cell(5, dim[6], dim[4], id(4, row), first + j) * kvHeads +
                 h / (heads / kvHeads)) *
                width;
        p[j] = dot(&x[0][at], &x[1][kv[j]], width) * scalar;
        m[s] = p[j] > m[s] ? p[j] : m[s];
      }
      for (float &value : p)
        value = portableExp(value - m[s]);
      l[s] = sum(p.data(), n);
      for (int64_t j = 0; j < n; ++j)
        for (int64_t d = 0; d < width; ++d)
          acc[s * width + d] =
              std::fma(p[j], x[2][kv[j] + d], acc[s * width + d]);
    }
    float most = -INFINITY, total = 0;
    for (float value : m)
      most = value > most ? value : most;
    Floats all(width, 0.0f);
    for (int64_t s = 0; s < splits; ++s) {
      float factor = portableExp(m[s] - most);
      total = std::fma(l[s], factor, total);
      for (int64_t d = 0; d < width; ++d)
        all[d] = std::fma(acc[s * width + d], factor, all[d]);
    }
    for (int64_t d = 0; d < width; ++d)
      put(7, at + d, all[d] / total);
  }

  Floats softmaxOf(int64_t row) { return softmaxOf(0, dim[0], row); }
  /// Of a row of operand `in`.
  Floats softmaxOf(int in, int64_t width, int64_t row) {
    Floats e(&x[in][row * width], &x[in][row * width] + width);
    float m = -INFINITY;
    for (float value : e)
      m = value > m ? value : m;
    for (float &value : e)
      value = portableExp(value - m);
    float total = sum(e.data(), width);
    for (float &value : e)
      value = value / total;
    return e;
  }
  void softmax() {
    for (int64_t row = 0; row < rows; ++row) {
      Floats p = softmaxOf(row);
      for (int64_t i = 0; i < dim[0]; ++i)
        put(1, row * dim[0] + i, p[i]);
    }
  }
  /// By operand `in`, to the two operands behind it; `size`: how many there
  /// are, how many are taken and whether their weights are normalised.
  void topK(bool isRoute, int in, const int64_t *size) {
    for (int64_t row = 0; row < rows; ++row) {
      const float *values = &x[in][row * size[0]];
      Floats p = isRoute ? softmaxOf(in, size[0], row)
                         : Floats(values, values + size[0]);
      std::vector<bool> taken(size[0], false);
      Floats weights;
      for (int64_t rank = 0; rank < size[1]; ++rank) {
        int64_t best = -1;
        for (int64_t i = 0; i < size[0]; ++i) {
          bool isBetter = best < 0 || p[i] > p[best] ||
                          (std::isnan(p[best]) && !std::isnan(p[i]));
          if (!taken[i] && isBetter)
            best = i;
        }
        taken[best] = true;
        weights.push_back(p[best]);
        data.setInt(in + 1, row * size[1] + rank, static_cast<int32_t>(best));
      }
      float total = 0;
      for (float weight : weights)
        total = total + weight;
      for (int64_t rank = 0; rank < size[1]; ++rank)
        put(in + 2, row * size[1] + rank,
            size[2] ? weights[rank] / total : weights[rank]);
    }
  }

  void addNormRoute() {
    add(4);
    for (int64_t row = 0; row < rows; ++row) {
      norm(4, row * dim[0], 2, dim[0], 5, row * dim[0]);
      for (int64_t expert = 0; expert < dim[1]; ++expert)
        put(6, row * dim[1] + expert,
            dot(&x[5][row * dim[0]], &x[3][expert * dim[0]], dim[0]));
    }
    topK(true, 6, dim + 1);
  }

  void swiglu() {
    for (size_t i = 0; i < x[0].size(); ++i)
      put(2, i, portableSilu(x[0][i]) * x[1][i]);
  }

  void expertDemand() {
    std::vector<int32_t> ids, offsets, order;
    for (int64_t i = 0; i < rows * dim[1]; ++i)
      ids.push_back(static_cast<int32_t>(id(0, i)));
    sortByExpert(ids, dim[0], offsets, order);
    for (size_t i = 0; i < offsets.size(); ++i)
      data.setInt(1, i, offsets[i]);
    for (size_t i = 0; i < order.size(); ++i)
      data.setInt(2, i, order[i]);
  }
  void experts(bool isDown) {
    int64_t inputs = dim[isDown ? 3 : 2], outputs = dim[isDown ? 2 : 3];
    for (int64_t expert = 0; expert < dim[0]; ++expert)
      for (int64_t k = id(1, expert); k < id(1, expert + 1); ++k) {
        int64_t pair = id(2, k), row = isDown ? pair : pair / dim[1];
        const float *slot = &x[4][id(3, expert) * dim[5]];
        const float *in = &x[0][row * inputs];
        for (int64_t o = isDown ? dim[7] : 0; o < outputs; ++o) {
          float y = dot(in, slot + dim[6] + o * inputs, inputs);
          if (!isDown)
            y = portableSilu(y) * dot(in, slot + dim[7] + o * inputs, inputs);
          put(5, pair * outputs + o, y);
        }
      }
  }
  void expertCombine() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[1]; ++i) {
        float acc = 0;
        for (int64_t k = row * dim[0]; k < (row + 1) * dim[0]; ++k) {
          const bool theirs = dim[2] != 0 && i < id(4, k);
          acc = std::fma(x[1][k], x[theirs ? 3 : 0][k * dim[1] + i], acc);
        }
        put(2, row * dim[1] + i, acc);
      }
  }

  void expertScatter() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[1]; ++i)
        put(2, id(1, row) * dim[1] + i, x[0][id(1, row) * dim[1] + i]);
  }

  void selectRows() {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < dim[0]; ++i)
        put(2, row * dim[0] + i, x[0][id(1, row) * dim[0] + i]);
  }

private:
  /// Stores a result, rounded to the operand's type; later reads see it so.
  void put(int operand, int64_t index, float value) {
    data.setValue(operand, index, value);
    x[operand][index] = data.value(operand, index);
  }
  int64_t id(int operand, int64_t index) {
    return data.as<int32_t>(operand)[index];
  }

  Operands &data;
  const int64_t *dim;
  float scalar;
  int64_t rows;
  std::vector<Floats> x; ///< Every operand in f32.
};

} // namespace

void runModel(const Case &source, Operands &data) {
  Model model(source, data);
  switch (source.kernel) {
  case Kernel::Embed:
    return model.embed();
  case Kernel::Linear:
    return model.linear(1, source.args.dim[1]);
  case Kernel::RmsNorm:
    return model.rmsNorm();
  case Kernel::Add:
    return model.add(2);
  case Kernel::AddRmsNorm:
    return model.addRmsNorm();
  case Kernel::Rope:
    return model.rope();
  case Kernel::KvWrite:
    return model.kvWrite();
  case Kernel::QkNormRopeWrite:
    return model.qkNormRopeWrite();
  case Kernel::Attention:
    return model.attention();
  case Kernel::Softmax:
    return model.softmax();
  case Kernel::TopK:
    return model.topK(false, 0, source.args.dim);
  case Kernel::Route:
    return model.topK(true, 0, source.args.dim);
  case Kernel::Swiglu:
    return model.swiglu();
  case Kernel::ExpertDemand:
    return model.expertDemand();
  case Kernel::ExpertGateUp:
    return model.experts(false);
  case Kernel::ExpertDown:
    return model.experts(true);
  case Kernel::ExpertCombine:
    return model.expertCombine();
  case Kernel::SelectRows:
    return model.selectRows();
  case Kernel::ExpertScatter:
    return model.expertScatter();
  case Kernel::LinearGroup:
    return model.linearGroup();
  case Kernel::AddNormRoute:
    return model.addNormRoute();
  }
}

} // namespace sluice::test
