//===- chain_test.cpp - A decode step's kernels, one after the other ------===//
//
// Layers as a plan launches them, on one stream and in a graph, over buffers
// that are written again and again: a kernel that began before the one in front
// had ended, and did not wait, would show in the bits. Between some of them lie
// a copy and work of a second stream, for which a kernel waits as ever.
//
//===----------------------------------------------------------------------===//

#include "kernels/convert.h"
#include "kernels/cpu/registry.h"
#include "tests/kernels/cuda/gpu.h"
#include "tests/kernels/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

namespace sluice::test {
namespace {

constexpr int64_t kHidden = 512, kHeads = 8, kKvHeads = 2, kHeadDim = 128;
constexpr int64_t kExperts = 32, kTopK = 4, kInner = 96, kPage = 16;
constexpr int64_t kPages = 40, kSplits = 3, kMaxRows = 3, kLayers = 3;
constexpr int64_t kQuery = kHeads * kHeadDim, kKey = kKvHeads * kHeadDim;
constexpr int64_t kSlot = 3 * kHidden * kInner;

/// One buffer at `offset` of the memory, the same on host and device.
struct Buffer {
  size_t offset = 0, bytes = 0;
  DType type = DType::BF16;
};

/// A launch of a kernel, or a copy from one buffer to another.
struct Step {
  Kernel kernel = Kernel::Embed;
  std::vector<Buffer> operands;
  std::vector<int64_t> dims;
  float scalar = 0;
  bool isCopy = false;
  /// On the second stream, after what is in front and before what follows.
  bool isAside = false;

  KernelArgs bind(std::byte *memory) const {
    KernelArgs args;
    for (size_t i = 0; i < operands.size(); ++i) {
      args.data[i] = operands[i].bytes ? memory + operands[i].offset : nullptr;
      args.dtype[i] = operands[i].type;
    }
    std::copy(dims.begin(), dims.end(), args.dim);
    args.scalar[0] = scalar;
    args.maxRows = kMaxRows;
    return args;
  }
};

class Chain {
public:
  std::vector<std::byte> memory;
  std::vector<Step> steps;
  Buffer scratch;

  explicit Chain(int64_t rows) : random(static_cast<uint64_t>(rows)) {
    constexpr DType f32 = DType::F32, i32 = DType::I32;
    Buffer position = buffer(kMaxRows, i32), sequence = buffer(kMaxRows, i32);
    Buffer table = buffer(kMaxRows * kPages, i32),
           slots = buffer(kExperts, i32);
    for (int32_t i = 0; i < kMaxRows; ++i) {
      at<int32_t>(position)[i] = static_cast<int32_t>(random.between(0, 639));
      at<int32_t>(sequence)[i] = i;
    }
    for (int32_t i = 0; i < kMaxRows * kPages; ++i)
      at<int32_t>(table)[i] = kMaxRows * static_cast<int32_t>(kPages) - 1 - i;
    for (int32_t i = 0; i < kExperts; ++i)
      at<int32_t>(slots)[i] = (i * 5) % static_cast<int32_t>(kExperts);
    Buffer cosine = floats(kPages * kPage * kHeadDim / 2, f32);
    Buffer sine = floats(kPages * kPage * kHeadDim / 2, f32);
    Buffer middle = floats(kMaxRows * kHidden),
           combined = floats(kMaxRows * kHidden);
    Buffer residual = floats(kMaxRows * kHidden),
           normed = floats(kMaxRows * kHidden);
    Buffer projected = floats(kMaxRows * kHidden),
           spare = floats(kMaxRows * kHidden);
    Buffer q = floats(kMaxRows * kQuery), turned = floats(kMaxRows * kQuery);
    Buffer attended = floats(kMaxRows * kQuery);
    Buffer k = floats(kMaxRows * kKey), v = floats(kMaxRows * kKey);
    Buffer logits = floats(kMaxRows * kExperts, f32);
    Buffer ids = buffer(kMaxRows * kTopK, i32),
           order = buffer(kMaxRows * kTopK, i32);
    Buffer offsets = buffer(kExperts + 1, i32);
    Buffer weights = floats(kMaxRows * kTopK, f32);
    Buffer inner = floats(kMaxRows * kTopK * kInner, f32);
    Buffer down = floats(kMaxRows * kTopK * kHidden, f32);
    scratch = floats(kMaxRows * kHeads * kSplits * (kHeadDim + 2), f32);
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      Buffer kCache = floats(kMaxRows * kPages * kPage * kKey);
      Buffer vCache = floats(kMaxRows * kPages * kPage * kKey);
      Buffer pool = floats(kExperts * kSlot, DType::BF16, 0.1f);
      auto linear = [&](Buffer in, Buffer out, int64_t inputs,
                        int64_t outputs) {
        Buffer weight = floats(inputs * outputs, DType::BF16, 0.1f);
        add({Kernel::Linear, {in, weight, {}, out}, {inputs, outputs}});
      };
      auto addNorm = [&](Buffer a, Buffer b, Buffer sum) {
        add({Kernel::AddRmsNorm,
             {a, b, floats(kHidden), sum, normed},
             {kHidden},
             1e-6f});
      };
      addNorm(combined, middle, residual);
      if (layer == 1) { // one by one, the second aside
        linear(normed, q, kHidden, kQuery);
        linear(normed, k, kHidden, kKey);
        steps.back().isAside = true;
        linear(normed, v, kHidden, kKey);
      } else {
        auto matrix = [&](int64_t outputs) {
          return floats(kHidden * outputs, DType::BF16, 0.1f);
        };
        add({Kernel::LinearGroup,
             {normed,
              matrix(kQuery),
              {},
              q,
              matrix(kKey),
              {},
              k,
              matrix(kKey),
              {},
              v},
             {kHidden, kQuery, kKey, kKey}});
      }
      add({Kernel::QkNormRopeWrite,
           {q, k, v, floats(kHeadDim), floats(kHeadDim), position, sequence,
            table, cosine, sine, turned, kCache, vCache},
           {kHeads, kKvHeads, kHeadDim, kPages * kPage, kMaxRows * kPages,
            kPage, kMaxRows, kPages},
           1e-6f});
      add({Kernel::Attention,
           {turned, kCache, vCache, position, sequence, table, scratch,
            attended},
           {kHeads, kKvHeads, kHeadDim, kMaxRows * kPages, kPage, kMaxRows,
            kPages, kSplits, kHeadDim + 2},
           0.088388f});
      linear(attended, projected, kQuery, kHidden);
      if (layer == 2) {
        copy(projected, spare);
        copy(combined, projected);
        copy(spare, projected);
      }
      if (layer == 1) {
        addNorm(residual, projected, middle);
        linear(normed, logits, kHidden, kExperts);
        add({Kernel::Route, {logits, ids, weights}, {kExperts, kTopK, 1}});
      } else {
        Buffer router = floats(kExperts * kHidden, DType::BF16, 0.1f);
        add({Kernel::AddNormRoute,
             {residual, projected, floats(kHidden), router, middle, normed,
              logits, ids, weights},
             {kHidden, kExperts, kTopK, 1},
             1e-6f});
      }
      add({Kernel::ExpertDemand, {ids, offsets, order}, {kExperts, kTopK}});
      add({Kernel::ExpertGateUp,
           {normed, offsets, order, slots, pool, inner},
           {kExperts, kTopK, kHidden, kInner, kExperts, kSlot, 0,
            kHidden * kInner}});
      add({Kernel::ExpertDown,
           {inner, offsets, order, slots, pool, down},
           {kExperts, kTopK, kHidden, kInner, kExperts, kSlot,
            2 * kHidden * kInner}});
      add({Kernel::ExpertCombine, {down, weights, combined}, {kTopK, kHidden}});
    }
  }

private:
  Buffer buffer(int64_t count, DType type) {
    Buffer made{memory.size(), static_cast<size_t>(count) * byteSize(type),
                type};
    memory.resize((made.offset + made.bytes + 255) / 256 * 256);
    return made;
  }
  Buffer floats(int64_t count, DType type = DType::BF16, float scale = 1) {
    Buffer made = buffer(count, type);
    for (int64_t i = 0; i < count; ++i)
      if (float value = random.normal() * scale; type == DType::BF16)
        at<Bf16>(made)[i] = toBf16(value);
      else
        at<float>(made)[i] = value;
    return made;
  }
  template <typename T> T *at(const Buffer &buffer) {
    return reinterpret_cast<T *>(memory.data() + buffer.offset);
  }
  void add(Step step) { steps.push_back(std::move(step)); }
  void copy(const Buffer &from, const Buffer &to) {
    Step step;
    step.operands = {from, to};
    step.isCopy = true;
    add(step);
  }
  Random random;
};

/// The steps on the CPU, `times` times.
std::vector<std::byte> runChain(const Chain &chain, int64_t rows, int times) {
  // Aligned as the CPU's kernels may expect it of buffers.
  size_t bytes = chain.memory.size();
  std::vector<std::byte> room(bytes + 256);
  auto start = reinterpret_cast<uintptr_t>(room.data());
  std::byte *memory = room.data() + (256 - start % 256) % 256;
  std::memcpy(memory, chain.memory.data(), bytes);
  for (int i = 0; i < times; ++i)
    for (const Step &step : chain.steps) {
      KernelArgs args = step.bind(memory);
      if (step.isCopy)
        std::memcpy(args.data[1], args.data[0], step.operands[0].bytes);
      else
        cpu::findCpuKernel(step.kernel)(args, rows, {});
    }
  return {memory, memory + bytes};
}

/// The stream, its neighbour and what orders them.
struct Streams {
  cuda::CudaContext context;
  cudaStream_t side = nullptr;
  cudaEvent_t event = nullptr;

  Streams() {
    EXPECT_EQ(gpuContext(context), "");
    check(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
  ~Streams() {
    check(cudaEventDestroy(event));
    check(cudaStreamDestroy(side));
  }
  static void check(cudaError_t code) {
    ASSERT_EQ(code, cudaSuccess) << cudaGetErrorString(code);
  }
  void order(cudaStream_t first, cudaStream_t second) {
    check(cudaEventRecord(event, first));
    check(cudaStreamWaitEvent(second, event, 0));
  }
  void enqueue(const Chain &chain, int64_t rows, std::byte *memory) {
    for (const Step &step : chain.steps) {
      KernelArgs args = step.bind(memory);
      cuda::CudaContext own = context;
      if (step.isAside) {
        order(context.stream, side);
        own.stream = side;
      }
      if (step.isCopy)
        check(cudaMemcpyAsync(args.data[1], args.data[0],
                              step.operands[0].bytes, cudaMemcpyDeviceToDevice,
                              own.stream));
      else
        check(cuda::findCudaKernel(step.kernel,
                                   Arithmetic::Portable)(args, rows, own));
      if (step.isAside)
        order(side, context.stream);
    }
  }
};

void checkChain(int64_t rows, bool inGraph) {
  constexpr int kTimes = 5;
  Chain chain(rows);
  std::vector<std::byte> expected = runChain(chain, rows, kTimes);
  Streams streams;
  void *data = nullptr;
  size_t bytes = chain.memory.size();
  Streams::check(cudaMalloc(&data, bytes));
  auto *memory = static_cast<std::byte *>(data);
  auto fill = [&] {
    Streams::check(
        cudaMemcpy(memory, chain.memory.data(), bytes, cudaMemcpyHostToDevice));
    Streams::check(cudaDeviceSynchronize());
  };
  cudaStream_t stream = streams.context.stream;
  fill();
  if (inGraph) {
    streams.enqueue(chain, rows, memory); // loads the kernels
    Streams::check(cudaStreamSynchronize(stream));
    fill();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t ready = nullptr;
    Streams::check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    streams.enqueue(chain, rows, memory);
    Streams::check(cudaStreamEndCapture(stream, &graph));
    Streams::check(cudaGraphInstantiate(&ready, graph, 0));
    for (int i = 0; i < kTimes; ++i)
      Streams::check(cudaGraphLaunch(ready, stream));
    Streams::check(cudaStreamSynchronize(stream));
    Streams::check(cudaGraphExecDestroy(ready));
    Streams::check(cudaGraphDestroy(graph));
  } else {
    for (int i = 0; i < kTimes; ++i)
      streams.enqueue(chain, rows, memory);
    Streams::check(cudaStreamSynchronize(stream));
  }
  std::vector<std::byte> actual(bytes);
  Streams::check(
      cudaMemcpy(actual.data(), memory, bytes, cudaMemcpyDeviceToHost));
  Streams::check(cudaFree(memory));
  // What is left in the scratch is nobody's.
  for (std::vector<std::byte> *each : {&expected, &actual})
    std::fill_n(each->begin() + static_cast<int64_t>(chain.scratch.offset),
                chain.scratch.bytes, std::byte{0});
  for (size_t i = 0; i < chain.steps.size(); ++i)
    for (size_t k = 0; k < chain.steps[i].operands.size(); ++k) {
      const Buffer &buffer = chain.steps[i].operands[k];
      ASSERT_EQ(std::memcmp(expected.data() + buffer.offset,
                            actual.data() + buffer.offset, buffer.bytes),
                0)
          << "operand " << k << " of step " << i;
    }
}

TEST(Chain, GivesTheBitsOfTheCpu) {
  for (int64_t rows : {1, 3})
    checkChain(rows, false);
}

TEST(Chain, GivesTheBitsOfTheCpuInAGraph) {
  for (int64_t rows : {1, 3})
    checkChain(rows, true);
}

} // namespace
} // namespace sluice::test
