//===- registry.cpp - Finds CPU kernels -----------------------------------===//

#include "kernels/cpu/registry.h"

#include "kernels/cpu/kernels.h"

namespace sluice::cpu {

CpuKernel findCpuKernel(Kernel kernel) {
  // A switch without a default: a new enumerator warns until it has a kernel.
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

} // namespace sluice::cpu
