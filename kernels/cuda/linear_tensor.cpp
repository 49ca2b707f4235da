//===- linear_tensor.cpp - y = x W^T (+ bias) by cuBLASLt -----------------===//
//
// cuBLASLt would choose another algorithm for another row count, and with it
// other bits. So one is chosen per (device, most rows of the entry, sizes,
// types), asked for once and kept by the process for every row count: it does
// not split K and needs no workspace, so each result is one sum in one order.
// The table is a list that only grows: readers take no lock. Where the library
// has no such algorithm, or cannot take the types, linear_mma.cu does the work.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/launch.h"

#include <atomic>
#include <mutex>

namespace sluice::cuda {
namespace {

struct Key {
  int device;
  int64_t maxRows, inputs, outputs;
  DType out;
  bool bias;

  bool operator==(const Key &) const = default;
};

/// In cuBLAS's words (column-major): D [outputs, rows] = A^T [outputs, inputs]
/// x B [inputs, rows], with A the weight and B the rows as they lie in memory.
struct Choice {
  Key key;
  bool usable = false; ///< False: no such algorithm; our own tiles run.
  cublasLtMatmulDescOpaque_t product;
  cublasLtMatmulAlgo_t algorithm;
  Choice *next = nullptr;
};

struct Layouts {
  cublasLtMatrixLayoutOpaque_t weight, in, out;
};

cudaDataType_t libraryType(DType type) {
  return type == DType::BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

cudaError_t toCuda(cublasStatus_t status) {
  switch (status) {
  case CUBLAS_STATUS_SUCCESS:
    return cudaSuccess;
  case CUBLAS_STATUS_ALLOC_FAILED:
    return cudaErrorMemoryAllocation;
  case CUBLAS_STATUS_NOT_SUPPORTED:
  case CUBLAS_STATUS_ARCH_MISMATCH:
    return cudaErrorNotSupported;
  case CUBLAS_STATUS_INVALID_VALUE:
    return cudaErrorInvalidValue;
  case CUBLAS_STATUS_EXECUTION_FAILED:
    return cudaErrorLaunchFailure;
  default:
    return cudaErrorUnknown;
  }
}

bool initLayouts(const Key &key, int64_t rows, Layouts &layouts) {
  auto inputs = static_cast<uint64_t>(key.inputs);
  auto outputs = static_cast<uint64_t>(key.outputs);
  auto count = static_cast<uint64_t>(rows);
  return cublasLtMatrixLayoutInit(&layouts.weight, CUDA_R_16BF, inputs, outputs,
                                  key.inputs) == CUBLAS_STATUS_SUCCESS &&
         cublasLtMatrixLayoutInit(&layouts.in, CUDA_R_16BF, inputs, count,
                                  key.inputs) == CUBLAS_STATUS_SUCCESS &&
         cublasLtMatrixLayoutInit(&layouts.out, libraryType(key.out), outputs,
                                  count, key.outputs) == CUBLAS_STATUS_SUCCESS;
}

template <typename T>
bool set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute,
         T value) {
  return cublasLtMatmulDescSetAttribute(product, attribute,
                                        static_cast<const void *>(&value),
                                        sizeof value) == CUBLAS_STATUS_SUCCESS;
}

template <typename T>
bool set(cublasLtMatmulPreference_t preference,
         cublasLtMatmulPreferenceAttributes_t attribute, T value) {
  return cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value,
                                              sizeof value) ==
         CUBLAS_STATUS_SUCCESS;
}

/// One sum a result, in one order: K neither split nor reduced afterwards.
bool keepsOrder(const cublasLtMatmulAlgo_t &algorithm) {
  int32_t parts = 0;
  uint32_t scheme = 0;
  size_t written = 0;
  return cublasLtMatmulAlgoConfigGetAttribute(
             &algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &parts, sizeof parts,
             &written) == CUBLAS_STATUS_SUCCESS &&
         cublasLtMatmulAlgoConfigGetAttribute(
             &algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &scheme,
             sizeof scheme, &written) == CUBLAS_STATUS_SUCCESS &&
         parts <= 1 && scheme == CUBLASLT_REDUCTION_SCHEME_NONE;
}

/// Whether the algorithm can run every row count; a few stand for all.
bool takesAllRows(cublasLtHandle_t blas, Choice &choice,
                  const cublasLtMatmulAlgo_t &algorithm) {
  for (int64_t rows : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{8},
                       int64_t{17}, choice.key.maxRows}) {
    Layouts layouts;
    cublasLtMatmulHeuristicResult_t result;
    if (!initLayouts(choice.key, rows, layouts) ||
        cublasLtMatmulAlgoCheck(blas, &choice.product, &layouts.weight,
                                &layouts.in, &layouts.out, &layouts.out,
                                &algorithm, &result) != CUBLAS_STATUS_SUCCESS ||
        result.workspaceSize != 0)
      return false;
  }
  return true;
}

bool choose(cublasLtHandle_t blas, Choice &choice) {
  Layouts layouts;
  cublasLtMatmulPreferenceOpaque_t preference;
  if (cublasLtMatmulDescInit(&choice.product, CUBLAS_COMPUTE_32F, CUDA_R_32F) !=
          CUBLAS_STATUS_SUCCESS ||
      cublasLtMatmulPreferenceInit(&preference) != CUBLAS_STATUS_SUCCESS ||
      !initLayouts(choice.key, choice.key.maxRows, layouts) ||
      !set(&choice.product, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T) ||
      !set(&choice.product, CUBLASLT_MATMUL_DESC_EPILOGUE,
           choice.key.bias ? CUBLASLT_EPILOGUE_BIAS
                           : CUBLASLT_EPILOGUE_DEFAULT) ||
      !set(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, size_t{0}) ||
      !set(&preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
           static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE)))
    return false;
  for (auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                         CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                         CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                         CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    if (!set(&preference, attribute, uint32_t{16}))
      return false;
  constexpr int kCandidates = 32;
  cublasLtMatmulHeuristicResult_t results[kCandidates];
  int found = 0;
  if (cublasLtMatmulAlgoGetHeuristic(blas, &choice.product, &layouts.weight,
                                     &layouts.in, &layouts.out, &layouts.out,
                                     &preference, kCandidates, results,
                                     &found) != CUBLAS_STATUS_SUCCESS)
    return false;
  for (int i = 0; i < found; ++i)
    if (results[i].state == CUBLAS_STATUS_SUCCESS &&
        results[i].workspaceSize == 0 && keepsOrder(results[i].algo) &&
        takesAllRows(blas, choice, results[i].algo)) {
      choice.algorithm = results[i].algo;
      return true;
    }
  return false;
}

const Choice &findChoice(cublasLtHandle_t blas, const Key &key) {
  static std::atomic<Choice *> first{nullptr};
  static std::mutex growing;
  auto find = [&]() -> Choice * {
    for (Choice *choice = first.load(std::memory_order_acquire); choice;
         choice = choice->next)
      if (choice->key == key)
        return choice;
    return nullptr;
  };
  if (Choice *known = find())
    return *known;
  std::lock_guard<std::mutex> lock(growing);
  if (Choice *known = find())
    return *known;
  auto *choice = new Choice{key, false, {}, {}, nullptr};
  choice->usable = choose(blas, *choice);
  choice->next = first.load(std::memory_order_relaxed);
  first.store(choice, std::memory_order_release);
  return *choice;
}

bool isAligned16(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

} // namespace

cudaError_t linearTensor(const KernelArgs &args, int64_t rows,
                         const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  const void *bias = args.data[2];
  Key key{0,
          args.maxRows > rows ? args.maxRows : rows,
          args.dim[0],
          args.dim[1],
          args.dtype[3],
          bias != nullptr};
  bool fits = args.dtype[0] == DType::BF16 && args.dtype[1] == DType::BF16 &&
              (!bias || args.dtype[2] == key.out) && key.inputs % 8 == 0 &&
              key.outputs % 8 == 0 && isAligned16(args.data[0]) &&
              isAligned16(args.data[1]) && isAligned16(bias) &&
              isAligned16(args.data[3]);
  if (!fits || !context.blas)
    return linearMma(args, rows, context);
  if (cudaError_t error = cudaGetDevice(&key.device); error != cudaSuccess)
    return error;
  const Choice &choice = findChoice(context.blas, key);
  if (!choice.usable)
    return linearMma(args, rows, context);
  Layouts layouts;
  cublasLtMatmulDescOpaque_t product = choice.product;
  if (!initLayouts(key, rows, layouts) ||
      (bias && !set(&product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias)))
    return cudaErrorInvalidValue;
  const float one = 1.0f, zero = 0.0f;
  return toCuda(cublasLtMatmul(
      context.blas, &product, &one, args.data[1], &layouts.weight, args.data[0],
      &layouts.in, &zero, args.data[3], &layouts.out, args.data[3],
      &layouts.out, &choice.algorithm, nullptr, 0, context.stream));
}

} // namespace sluice::cuda
