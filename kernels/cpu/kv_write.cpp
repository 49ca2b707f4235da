//===- kv_write.cpp - Keys and values into the paged cache ----------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/paging.h"

#include <cstring>

namespace sluice::cpu {

void kvWrite(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t width = args.dim[0] * args.dim[1];
  const DType type = args.dtype[0];
  const auto *position = operand<const int32_t>(args, 2);
  const auto *sequence = operand<const int32_t>(args, 3);
  const Paging paging{operand<const int32_t>(args, 4), args.dim[5],
                      args.dim[3]};
  const size_t bytes = width * byteSize(type);
  forEach(parallel, rows, [&](int64_t row) {
    int64_t cell = paging.cell(sequence[row], position[row]);
    std::memcpy(at(args.data[5], type, cell * width),
                at(args.data[0], type, row * width), bytes);
    std::memcpy(at(args.data[6], type, cell * width),
                at(args.data[1], type, row * width), bytes);
  });
}

} // namespace sluice::cpu
