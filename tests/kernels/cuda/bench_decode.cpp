//===- bench_decode.cpp - One layer of a decode step, kernel by kernel ----===//
//
// What lies between the last expert's output and the next layer's choice of
// experts, at one row and the sizes of Qwen3-30B-A3B: each kernel in a chain of
// copies of itself, then all of them in the order of a layer, over as many
// layers' weights as the pool holds; q, k and v, and the norm and the router
// behind attention, as the one launch that the compiler makes of each and, to
// compare, as three. Before each replay memory is copied that leaves none of
// the weights in the L2.
//
//===----------------------------------------------------------------------===//

#include "kernels/add_norm_route.h"
#include "kernels/linear_group.h"
#include "tests/kernels/cuda/bench.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iterator>
#include <vector>

namespace sluice::bench {
namespace {

constexpr int64_t kHidden = 2048, kHeads = 32, kKvHeads = 4, kHeadDim = 128;
constexpr int64_t kExperts = 128, kTopK = 8, kPage = 16;
constexpr int64_t kQuery = kHeads * kHeadDim, kKey = kKvHeads * kHeadDim;
/// Bytes of the matrices of q, k and v, and of all of a layer: those, then that
/// of o and the router's.
constexpr int64_t kProjectionBytes = 2 * kHidden * (kQuery + 2 * kKey);
constexpr int64_t kLayerBytes =
    kProjectionBytes + 2 * kHidden * (kQuery + kExperts);
constexpr int kCopies = 20;
static_assert(kCopies * kLayerBytes <= static_cast<int64_t>(kPool));

struct Launch {
  Kernel kernel;
  KernelArgs args;
};

/// Hands out memory of the pool `other`.
struct Places {
  std::byte *next;
  std::byte *floats(int64_t count) {
    std::byte *here = next;
    next += (count * 4 + 255) / 256 * 256;
    return here;
  }
  std::byte *ints(const std::vector<int32_t> &values) {
    std::byte *here = floats(static_cast<int64_t>(values.size()));
    check(cudaMemcpy(here, values.data(), values.size() * 4, cudaMemcpyDefault),
          "ids");
    return here;
  }
};

struct Bound {
  std::byte *data;
  DType type = DType::BF16;
};

Launch makeLaunch(Kernel kernel, std::initializer_list<Bound> operands,
                  std::initializer_list<int64_t> dims, float scalar = 0) {
  Launch launch{kernel, {}};
  int i = 0;
  for (const Bound &operand : operands) {
    launch.args.data[i] = operand.data;
    launch.args.dtype[i++] = operand.type;
  }
  std::copy(dims.begin(), dims.end(), launch.args.dim);
  launch.args.scalar[0] = scalar;
  launch.args.maxRows = 1;
  return launch;
}

/// The buffers of a decode step whose row is the last of `context` tokens. The
/// page table has room for `capacity` tokens.
class Layer {
public:
  Layer(Bench &bench, int64_t context, int64_t capacity)
      : weights(bench.weights), places{bench.other} {
    int64_t pages = capacity / kPage;
    std::vector<int32_t> table(pages);
    for (int64_t p = 0; p < pages; ++p)
      table[p] = static_cast<int32_t>(p * 7919 % pages);
    position = places.ints({static_cast<int32_t>(context - 1)});
    sequence = places.ints({0});
    pageTable = places.ints(table);
    cosine = places.floats(capacity * kHeadDim / 2);
    sine = places.floats(capacity * kHeadDim / 2);
    kCache = places.floats(capacity * kKey);
    vCache = places.floats(capacity * kKey);
    experts = places.floats(kTopK * kHidden);
    expertWeights = places.floats(kTopK);
    combined = places.floats(kHidden);
    residual = places.floats(kHidden);
    middle = places.floats(kHidden);
    normed = places.floats(kHidden);
    norm = places.floats(kHidden);
    q = places.floats(kQuery);
    k = places.floats(kKey);
    v = places.floats(kKey);
    qTurned = places.floats(kQuery);
    attended = places.floats(kQuery);
    projected = places.floats(kHidden);
    logits = places.floats(kExperts);
    ids = places.floats(kTopK);
    this->capacity = capacity;
    splits = (capacity + 255) / 256;
    scratch = places.floats(kHeads * splits * (kHeadDim + 2));
  }

  /// The launches of layer `index`, in order.
  std::vector<Launch> launches(int64_t index) const {
    std::byte *matrix = weights + index * kLayerBytes + kProjectionBytes;
    std::byte *router = matrix + 2 * kHidden * kQuery;
    constexpr DType f32 = DType::F32, i32 = DType::I32;
    int64_t pages = capacity / kPage;
    return {
        makeLaunch(Kernel::ExpertCombine,
                   {{experts, f32}, {expertWeights, f32}, {combined}},
                   {kTopK, kHidden}),
        makeLaunch(Kernel::AddRmsNorm,
                   {{combined}, {middle}, {norm}, {residual}, {normed}},
                   {kHidden}, 1e-6f),
        projections(index),
        makeLaunch(
            Kernel::QkNormRopeWrite,
            {{q},
             {k},
             {v},
             {norm},
             {norm},
             {position, i32},
             {sequence, i32},
             {pageTable, i32},
             {cosine, f32},
             {sine, f32},
             {qTurned},
             {kCache},
             {vCache}},
            {kHeads, kKvHeads, kHeadDim, capacity, pages, kPage, 1, pages},
            1e-6f),
        makeLaunch(Kernel::Attention,
                   {{qTurned},
                    {kCache},
                    {vCache},
                    {position, i32},
                    {sequence, i32},
                    {pageTable, i32},
                    {scratch, f32},
                    {attended}},
                   {kHeads, kKvHeads, kHeadDim, pages, kPage, 1, pages, splits,
                    kHeadDim + 2},
                   0.088388f),
        makeLaunch(Kernel::Linear,
                   {{attended}, {matrix}, {nullptr}, {projected}},
                   {kQuery, kHidden}),
        makeLaunch(Kernel::AddNormRoute,
                   {{residual},
                    {projected},
                    {norm},
                    {router},
                    {middle},
                    {normed},
                    {logits, f32},
                    {ids, i32},
                    {expertWeights, f32}},
                   {kHidden, kExperts, kTopK, 1}, 1e-6f),
    };
  }

  /// Norm, product and choice of layer `index`, each as a launch of its own.
  std::vector<Launch> routerApart(int64_t index) const {
    const AddNormRouteParts parts =
        partsOfAddNormRoute(launches(index).back().args);
    return {{Kernel::AddRmsNorm, parts.norm},
            {Kernel::Linear, parts.linear},
            {Kernel::Route, parts.route}};
  }

  /// q, k and v of layer `index`, each as a launch of its own.
  std::vector<Launch> projectionsApart(int64_t index) const {
    const KernelArgs together = projections(index).args;
    std::vector<Launch> apart;
    apart.reserve(kGroupMatrices);
    for (int matrix = 0; matrix < groupMatrices(together); ++matrix)
      apart.push_back({Kernel::Linear, linearOfGroup(together, matrix)});
    return apart;
  }

private:
  Launch projections(int64_t index) const {
    std::byte *matrix = weights + index * kLayerBytes;
    std::byte *next = matrix + kHidden * kQuery * 2;
    std::byte *last = next + kHidden * kKey * 2;
    return makeLaunch(Kernel::LinearGroup,
                      {{normed},
                       {matrix},
                       {nullptr},
                       {q},
                       {next},
                       {nullptr},
                       {k},
                       {last},
                       {nullptr},
                       {v}},
                      {kHidden, kQuery, kKey, kKey});
  }

  std::byte *weights;
  Places places;
  int64_t capacity, splits;
  std::byte *position, *sequence, *pageTable, *cosine, *sine, *kCache, *vCache;
  std::byte *experts, *expertWeights, *combined, *residual, *middle, *normed;
  std::byte *norm, *q, *k, *v, *qTurned, *attended, *projected, *logits, *ids;
  std::byte *scratch;
};

/// Times kCopies of the launches that `launches` gives for the layer of that
/// index, in a chain; microseconds of one.
double timeChain(Bench &bench,
                 const std::function<std::vector<Launch>(int64_t)> &launches) {
  // More than the L2 holds, from where no timed launch reads.
  auto flush = [&] {
    check(cudaMemcpyAsync(bench.other + kPool / 2,
                          bench.weights + kPool * 7 / 8, kPool / 8,
                          cudaMemcpyDeviceToDevice, bench.context.stream),
          "copy");
  };
  auto enqueue = [&] {
    for (int copy = 0; copy < kCopies; ++copy) {
      for (const Launch &launch : launches(copy))
        bench.run(launch.kernel, Arithmetic::Portable, launch.args, 1);
    }
  };
  return bench.time(enqueue, flush) / kCopies * 1e6;
}

/// The launches [from, to) of some.
std::vector<Launch> some(const std::vector<Launch> &all, size_t from,
                         size_t to) {
  return {all.begin() + static_cast<int64_t>(from),
          all.begin() + static_cast<int64_t>(to)};
}

/// Times the launches [from, to) of a layer.
double timeLaunches(Bench &bench, const Layer &layer, size_t from, size_t to) {
  return timeChain(bench, [&](int64_t index) {
    return some(layer.launches(index), from, to);
  });
}

} // namespace

void benchDecode(Bench &bench) {
  constexpr const char *kNames[] = {"expert_combine",     "add_rms_norm",
                                    "linear_group q,k,v", "qk_norm_rope_write",
                                    "attention",          "linear o",
                                    "add_norm_route"};
  std::printf("one layer of a decode step, one row, %.1f MB of weights:\n",
              static_cast<double>(kLayerBytes) * 1e-6);
  Layer layer(bench, 512, 4096);
  double sum = 0;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    double own = timeLaunches(bench, layer, i, i + 1);
    sum += own;
    std::printf("  %-18s %6.2f us\n", kNames[i], own);
  }
  std::printf("  %-18s %6.2f us\n", "sum", sum);
  double apart = timeChain(
      bench, [&](int64_t index) { return layer.projectionsApart(index); });
  std::printf("  %-18s %6.2f us\n", "linear q; k; v", apart);
  constexpr const char *kParts[] = {"add_rms_norm", "linear router", "route"};
  for (size_t i = 0; i < std::size(kParts); ++i)
    std::printf("  %-18s %6.2f us\n", kParts[i],
                timeChain(bench, [&](int64_t index) {
                  return some(layer.routerApart(index), i, i + 1);
                }));
  apart =
      timeChain(bench, [&](int64_t index) { return layer.routerApart(index); });
  std::printf("  %-18s %6.2f us\n", "the three in order", apart);
  int architecture = bench.context.architecture;
  for (int64_t context : {100, 512, 1000, 4096}) {
    Layer atContext(bench, context, 4096);
    double early = timeLaunches(bench, atContext, 0, std::size(kNames));
    bench.context.architecture = 0;
    double late = timeLaunches(bench, atContext, 0, std::size(kNames));
    bench.context.architecture = architecture;
    std::printf("  in order, context of %4ld tokens: %6.2f us; %6.2f us when a "
                "kernel begins after the one in front\n",
                long(context), early, late);
  }
}

} // namespace sluice::bench
