//===- backend_choice.cpp - --backend and what belongs to it --------------===//

#include "tools/support/backend_choice.h"
#include "runtime/backend/cpu/cpu_backend.h"

#include "runtime/backend/sim/sim_backend.h"
#include "runtime/io/file.h"
#include "tools/support/log.h"

#ifdef SLUICE_HAVE_CUDA
#include "runtime/backend/cuda/cuda_backend.h"
#endif

namespace sluice::tools {

Result<Hardware> readHardware(const std::string &path) {
  if (path.empty())
    return builtInHardware();
  SLUICE_ASSIGN_OR_RETURN(std::string text, readTextFile(path));
  return parseHardware(text, path);
}

Result<std::unique_ptr<Backend>> openBackend(const BackendChoice &choice) {
  if (choice.name == "sim") {
    SLUICE_ASSIGN_OR_RETURN(Hardware hardware, readHardware(choice.hardware));
    return makeSimBackend(hardware);
  }
  if (!choice.hardware.empty())
    return Status(ErrorCode::InvalidArgument,
                  "--hardware " + choice.hardware +
                      ": a real backend has its own, expected --backend sim");
#ifdef SLUICE_HAVE_CUDA
  if (choice.name != "cpu") {
    auto cuda = makeCudaBackend(0);
    if (cuda || choice.name == "cuda")
      return cuda;
    logInfo("no usable GPU (" + std::string(cuda.status().message()) +
            "): running on the CPU backend");
  }
#else
  if (choice.name == "cuda")
    return Status(ErrorCode::Unsupported,
                  "--backend cuda: built without a CUDA toolkit, expected "
                  "cpu or sim");
  if (choice.name.empty())
    logInfo("built without CUDA: running on the CPU backend");
#endif
  return makeCpuBackend({.threads = choice.threads});
}

} // namespace sluice::tools
