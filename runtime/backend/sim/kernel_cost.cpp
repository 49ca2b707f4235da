//===- kernel_cost.cpp - How long a launch takes on a machine -------------===//

#include "runtime/backend/sim/kernel_cost.h"

#include "kernels/signatures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

namespace sluice::sim {
namespace {

bool isExpertKernel(Kernel kernel) {
  return kernel == Kernel::ExpertGateUp || kernel == Kernel::ExpertDown;
}

/// Both expert kernels: experts, top_k, hidden, inner; offsets are operand 1.
constexpr int kOffsets = 1;
/// expert_gate_up, expert_down: in, offsets, order, slots, pool.
constexpr int kPool = 4;
/// Gate and up, or down.
double matrices(Kernel kernel) {
  return kernel == Kernel::ExpertGateUp ? 2 : 1;
}

double matrixBytes(const KernelArgs &args) {
  return double(args.dim[2]) * double(args.dim[3]) *
         double(byteSize(args.dtype[kPool]));
}

/// Of the outputs, those that are computed; only expert_down leaves some out.
double computedShare(Kernel kernel, const KernelArgs &args) {
  return kernel == Kernel::ExpertDown
             ? 1 - double(args.dim[7]) / double(args.dim[2])
             : 1;
}

/// attention: q, k_cache, v_cache, position, sequence.
constexpr int kPosition = 3, kSequence = 4;

struct Contexts {
  double perRow = 1; ///< Tokens a row attends to, on average.
  double read = 1;   ///< Tokens whose keys are read: once a run of rows of one
                     ///< sequence.
};

Contexts contextsOf(const KernelArgs &args, int64_t rows) {
  const auto *positions = static_cast<const int32_t *>(args.data[kPosition]);
  const auto *sequences = static_cast<const int32_t *>(args.data[kSequence]);
  if (!positions || !sequences)
    return {1, double(rows)};
  double sum = 0, read = 0;
  for (int64_t row = 0; row < rows; ++row) {
    double context = std::max<int32_t>(positions[row], 0) + 1.0;
    sum += context;
    if (row + 1 == rows || sequences[row + 1] != sequences[row])
      read += context;
  }
  return {sum / double(rows), read};
}

/// Bytes of an operand of which a launch touches only the rows it uses; nothing
/// where it touches all of it.
std::optional<double> sparseBytes(Kernel kernel, std::string_view operand,
                                  int index, const KernelArgs &args,
                                  int64_t rows) {
  double size = double(byteSize(args.dtype[index]));
  auto dim = [&](int i) { return double(args.dim[i]); };
  double n = double(rows);
  if (operand == "page_table" || operand == "slots" || operand == "offsets")
    return 0.0;
  if (operand == "table") // embed: a row of the table for each token.
    return n * dim(1) * size;
  if (operand == "cos" || operand == "sin")
    return n * dim(kernel == Kernel::Rope ? 1 : 2) / 2 * size;
  if (kernel == Kernel::SelectRows && operand == "in")
    return n * dim(0) * size;
  if (operand == "results") // What is read of them comes over the wire.
    return 0.0;
  if (operand == "pool")
    return activeExperts(args, rows).count * matrices(kernel) *
           matrixBytes(args) * computedShare(kernel, args);
  if (operand == "order" && isExpertKernel(kernel))
    return activeExperts(args, rows).pairs * size;
  if (isExpertKernel(kernel)) // Activations: those of the pairs that run.
    return activeExperts(args, rows).pairs *
           (operand == "in" || operand == "out" ? dim(2) : dim(3)) * size;
  if (operand == "k_cache" || operand == "v_cache") {
    if (kernel == Kernel::KvWrite)
      return n * dim(0) * dim(1) * size;
    if (kernel == Kernel::QkNormRopeWrite)
      return n * dim(1) * dim(2) * size;
    return contextsOf(args, rows).read * dim(1) * dim(2) * size;
  }
  if (kernel == Kernel::Attention && operand == "scratch")
    return 0.0; // A few partial sums a row; its size is that of the longest.
  return std::nullopt;
}

/// Multiply-adds of the launch.
double products(Kernel kernel, const KernelArgs &args, int64_t rows) {
  auto dim = [&](int i) { return double(args.dim[i]); };
  switch (kernel) {
  case Kernel::Linear:
    return double(rows) * dim(0) * dim(1);
  case Kernel::LinearGroup:
    return double(rows) * dim(0) * (dim(1) + dim(2) + dim(3));
  case Kernel::AddNormRoute:
    return double(rows) * dim(0) * dim(1);
  case Kernel::Attention: // Scores and sums.
    return 2 * double(rows) * contextsOf(args, rows).perRow * dim(0) * dim(2);
  case Kernel::ExpertGateUp:
  case Kernel::ExpertDown:
    return activeExperts(args, rows).pairs * matrices(kernel) * dim(2) *
           dim(3) * computedShare(kernel, args);
  default:
    return 0;
  }
}

/// Sums time(rows of the expert) over the active experts: exact rows where the
/// table says them, else the average for each.
template <typename Time>
double overExperts(const KernelArgs &args, int64_t rows, Time time) {
  ActiveExperts active = activeExperts(args, rows);
  const auto *offsets = static_cast<const int32_t *>(args.data[kOffsets]);
  int64_t experts = args.dim[0];
  if (!offsets || offsets[experts] <= offsets[0])
    return active.count * time(active.pairs / active.count);
  double sum = 0;
  for (int64_t e = 0; e < experts; ++e)
    if (offsets[e + 1] > offsets[e])
      sum += time(double(offsets[e + 1]) - double(offsets[e]));
  return sum;
}

} // namespace

ActiveExperts activeExperts(const KernelArgs &args, int64_t rows) {
  int64_t experts = args.dim[0], topK = args.dim[1];
  const auto *offsets = static_cast<const int32_t *>(args.data[kOffsets]);
  if (offsets && offsets[experts] > offsets[0]) {
    ActiveExperts active;
    for (int64_t e = 0; e < experts; ++e)
      if (offsets[e + 1] > offsets[e]) {
        active.count += 1;
        active.pairs += double(offsets[e + 1]) - double(offsets[e]);
      }
    return active;
  }
  double all = double(experts), share = std::min(1.0, double(topK) / all);
  return {all * (1 - std::pow(1 - share, double(rows))),
          double(rows) * double(topK)};
}

double trafficBytes(Kernel kernel, const KernelArgs &args, int64_t rows) {
  const Signature &signature = *findSignature(kernel);
  double sum = 0;
  for (int i = 0; i < int(signature.operands.size()); ++i) {
    if (!args.data[i] && signature.operands[i].optional)
      continue;
    if (auto sparse =
            sparseBytes(kernel, signature.operands[i].name, i, args, rows)) {
      sum += *sparse;
      continue;
    }
    uint64_t bytes = 0;
    if (operandBytes(signature, i, args.dtype[i],
                     {args.dim, signature.dims.size()}, rows, args.maxRows,
                     bytes))
      sum += double(bytes);
  }
  return sum;
}

/// What the device takes, with all it reads in its own memory.
static double deviceKernelUs(const Hardware &hardware, Kernel kernel,
                             Arithmetic arithmetic, const KernelArgs &args,
                             int64_t rows) {
  if (isExpertKernel(kernel)) {
    uint64_t bytes = uint64_t(3 * matrixBytes(args));
    if (hardware.expertUs(args.dim[2], args.dim[3], bytes, 1))
      return overExperts(args, rows, [&](double expertRows) {
        // The entry is of both kernels: each has its matrices' share.
        return computedShare(kernel, args) * matrices(kernel) / 3 *
               *hardware.expertUs(args.dim[2], args.dim[3], bytes, expertRows);
      });
  } else {
    const Signature &signature = *findSignature(kernel);
    double context =
        kernel == Kernel::Attention ? contextsOf(args, rows).perRow : 0;
    if (auto measured = hardware.kernelUs(kernel, arithmetic,
                                          {args.dim, signature.dims.size()},
                                          double(rows), context))
      return *measured;
  }
  // GB/s are 1e3 bytes a microsecond; Tflops 1e6 a microsecond, two a product.
  double memory =
      trafficBytes(kernel, args, rows) / (hardware.deviceBandwidth.value * 1e3);
  double rate = arithmetic == Arithmetic::Tensor ? hardware.tensorTflops.value
                                                 : hardware.vectorTflops.value;
  double arithmeticUs = 2 * products(kernel, args, rows) / (rate * 1e6);
  return hardware.graphNodeUs.value + std::max(memory, arithmeticUs);
}

/// Floats that the kernel reads from where the host computed them.
static double hostFloats(Kernel kernel, const KernelArgs &args, int64_t rows) {
  if (kernel == Kernel::ExpertScatter)
    return double(rows) * double(args.dim[1]);
  if (kernel != Kernel::ExpertCombine || args.dim[2] == 0)
    return 0;
  const auto *shares = static_cast<const int32_t *>(args.data[4]);
  return std::accumulate(shares, shares + rows * args.dim[0], 0.0);
}

double kernelUs(const Hardware &hardware, Kernel kernel, Arithmetic arithmetic,
                const KernelArgs &args, int64_t rows) {
  const double bytes = hostFloats(kernel, args, rows) * double(sizeof(float));
  const double wire = bytes > 0 ? hardware.hostToDeviceUs(bytes) : 0;
  // A scatter does nothing else.
  return kernel == Kernel::ExpertScatter
             ? wire
             : wire + deviceKernelUs(hardware, kernel, arithmetic, args, rows);
}

double hostKernelBytes(Kernel kernel, const KernelArgs &args, int64_t rows) {
  return isExpertKernel(kernel) ? activeExperts(args, rows).count *
                                      matrices(kernel) * matrixBytes(args)
                                : trafficBytes(kernel, args, rows);
}

double hostKernelUs(const Hardware &hardware, Kernel kernel,
                    const KernelArgs &args, int64_t rows) {
  if (!isExpertKernel(kernel))
    return hostKernelBytes(kernel, args, rows) /
           (hardware.hostRead.value * 1e3);
  return overExperts(args, rows, [&](double expertRows) {
    return hardware.hostExpertUs(matrices(kernel) * matrixBytes(args),
                                 expertRows);
  });
}

} // namespace sluice::sim
