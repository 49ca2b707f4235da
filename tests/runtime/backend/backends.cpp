//===- backends.cpp - The backends that tests run on ----------------------===//

#include "tests/runtime/backend/backends.h"
#include "runtime/backend/cpu/cpu_backend.h"

#include "runtime/backend/sim/sim_backend.h"
#ifdef SLUICE_HAVE_CUDA
#include "runtime/backend/cuda/cuda_backend.h"
#endif

#include <cstdio>

namespace sluice::testing {

const std::vector<BackendCase> &backendsUnderTest() {
  static const std::vector<BackendCase> cases = [] {
    std::vector<BackendCase> found = {
        {"cpuOneThread", [] { return makeCpuBackend({1, 512}); }},
        {"cpuManyThreads", [] { return makeCpuBackend({4, 512}); }},
    };
#ifdef SLUICE_HAVE_CUDA
    auto cuda = makeCudaBackend(0);
    if (cuda)
      found.push_back({"cuda", [] { return makeCudaBackend(0); }});
    else
      std::fprintf(stderr, "cuda is compiled but not tested: %s\n",
                   std::string(cuda.status().message()).c_str());
#else
    std::fprintf(stderr, "cuda is not compiled and not tested\n");
#endif
    return found;
  }();
  return cases;
}

const std::vector<BackendCase> &allBackendsUnderTest() {
  static const std::vector<BackendCase> cases = [] {
    std::vector<BackendCase> found = backendsUnderTest();
    found.push_back({"sim", [] { return makeSimBackend(builtInHardware()); }});
    return found;
  }();
  return cases;
}

} // namespace sluice::testing
