//===- registry.cpp - Finds CUDA kernels ----------------------------------===//

#include "kernels/cuda/registry.h"
#include "kernels/cuda/launch.h"

namespace sluice::cuda {
namespace {

CudaKernel findPortable(Kernel kernel) {
  switch (kernel) {
  case Kernel::Embed:
    return embed;
  case Kernel::Linear:
    return linear;
  case Kernel::LinearGroup:
    return linearGroup;
  case Kernel::RmsNorm:
    return rmsNorm;
  case Kernel::Add:
    return add;
  case Kernel::AddRmsNorm:
    return addRmsNorm;
  case Kernel::AddNormRoute:
    return addNormRoute;
  case Kernel::Rope:
    return rope;
  case Kernel::KvWrite:
    return kvWrite;
  case Kernel::QkNormRopeWrite:
    return qkNormRopeWrite;
  case Kernel::Attention:
    return attention;
  case Kernel::Softmax:
    return softmax;
  case Kernel::TopK:
    return topK;
  case Kernel::Route:
    return route;
  case Kernel::Swiglu:
    return swiglu;
  case Kernel::ExpertDemand:
    return expertDemand;
  case Kernel::ExpertGateUp:
    return expertGateUp;
  case Kernel::ExpertDown:
    return expertDown;
  case Kernel::ExpertCombine:
    return expertCombine;
  case Kernel::SelectRows:
    return selectRows;
  case Kernel::ExpertScatter:
    return expertScatter;
  }
  return nullptr;
}

} // namespace

CudaKernel findCudaKernel(Kernel kernel, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::Tensor) {
    switch (kernel) {
    case Kernel::Linear:
      return linearTensor;
    case Kernel::LinearGroup:
      return linearGroupTensor;
    case Kernel::AddNormRoute:
      return addNormRouteTensor;
    case Kernel::Attention:
      return attentionTensor;
    case Kernel::ExpertGateUp:
      return expertGateUpTensor;
    case Kernel::ExpertDown:
      return expertDownTensor;
    default:
      break;
    }
  }
  return findPortable(kernel);
}

} // namespace sluice::cuda
