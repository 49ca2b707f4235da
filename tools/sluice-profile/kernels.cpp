//===- kernels.cpp - A plan's launches, one by one ------------------------===//

#include "tools/sluice-profile/kernels.h"

#include "kernels/signatures.h"
#include "runtime/plan/version.h"
#include "tools/sluice-profile/random_bits.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sluice::tools {
namespace {

namespace fb = plan::fb;

/// What all copies of a launch's weights together should exceed: more than any
/// cache.
constexpr uint64_t kCacheBytes = uint64_t{256} << 20;
constexpr uint64_t kMostCopies = 12;

/// What a launch's integers say.
struct Meaning {
  int64_t context = 0; ///< Tokens that a row attends to; 0: no attention.
  int64_t experts = 0;
  int64_t sequences = 1;
};

/// The integers of an operand, as a step of the runtime would have them.
std::vector<int32_t> integers(std::string_view name, size_t count,
                              const Meaning &meaning, int64_t rows) {
  std::vector<int32_t> values(count, 0);
  const auto experts = std::max<int64_t>(1, meaning.experts);
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<int64_t>(i);
    if (name == "position")
      values[i] =
          static_cast<int32_t>(std::max<int64_t>(1, meaning.context)) - 1;
    else if (name == "page_table" || name == "slots" || name == "order")
      values[i] = static_cast<int32_t>(at);
    else if (name == "ids")
      values[i] = static_cast<int32_t>(at % experts);
    else if (name == "sequence")
      values[i] = static_cast<int32_t>(at % meaning.sequences);
    else if (name == "row")
      values[i] = static_cast<int32_t>(std::min<int64_t>(at, rows - 1));
    else if (name == "offsets") // every pair to an expert, evenly
      values[i] = static_cast<int32_t>(at * meaning.context /
                                       std::max<int64_t>(1, experts));
  }
  return values;
}

/// A launch with memory of its own.
class Bench {
public:
  explicit Bench(Backend &backend) : backend(backend) {}

  /// `types` are those of the operands; `present` says which there are.
  Status make(Kernel kernel, Arithmetic arithmetic,
              const std::vector<int64_t> &dims,
              const std::vector<float> &scalars,
              const std::vector<DType> &types, const std::vector<bool> &present,
              int64_t rows, int64_t maxRows, const Meaning &meaning);

  Status launch(uint64_t call) {
    return backend.launch(StreamKind::Compute, handle,
                          variants[call % variants.size()], rows);
  }

private:
  Result<std::byte *> memory(uint64_t bytes,
                             std::span<const std::byte> content);

  Backend &backend;
  KernelHandle handle = nullptr;
  int64_t rows = 0;
  std::vector<KernelArgs> variants; ///< One for each copy of the weights.
  std::vector<Allocation> held;
};

Result<std::byte *> Bench::memory(uint64_t bytes,
                                  std::span<const std::byte> content) {
  SLUICE_ASSIGN_OR_RETURN(Allocation device,
                          backend.allocate(MemoryKind::Device, bytes));
  for (uint64_t at = 0; at < bytes; at += content.size())
    SLUICE_RETURN_IF_ERROR(
        backend.copy(StreamKind::Demand, device.data() + at, MemoryKind::Device,
                     content.data(), MemoryKind::Host,
                     std::min<uint64_t>(content.size(), bytes - at)));
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  held.push_back(std::move(device));
  return held.back().data();
}

Status Bench::make(Kernel kernel, Arithmetic arithmetic,
                   const std::vector<int64_t> &dims,
                   const std::vector<float> &scalars,
                   const std::vector<DType> &types,
                   const std::vector<bool> &present, int64_t rowCount,
                   int64_t maxRows, const Meaning &meaning) {
  const Signature &signature = *findSignature(kernel);
  rows = rowCount;
  SLUICE_ASSIGN_OR_RETURN(handle, backend.findKernel(kernel, arithmetic));
  std::vector<uint64_t> bytes(types.size());
  uint64_t read = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!present[i])
      continue;
    if (!operandBytes(signature, static_cast<int>(i), types[i], dims, maxRows,
                      maxRows, bytes[i]))
      return Status(ErrorCode::Internal, "a launch that the verifier should "
                                         "have refused");
    if (signature.operands[i].type == TypeRule::Weight)
      read += bytes[i];
  }
  const uint64_t copies =
      read < (1 << 16)
          ? 1
          : std::clamp<uint64_t>(kCacheBytes / read, 1, kMostCopies);
  static const std::vector<std::byte> random = [] {
    std::vector<std::byte> block(size_t{8} << 20);
    fillRandom(block);
    return block;
  }();
  variants.resize(copies);
  for (uint64_t copy = 0; copy < copies; ++copy) {
    KernelArgs &args = variants[copy];
    args.maxRows = maxRows;
    std::copy(dims.begin(), dims.end(), args.dim);
    std::copy(scalars.begin(), scalars.end(), args.scalar);
    for (size_t i = 0; i < types.size(); ++i) {
      args.dtype[i] = types[i];
      const Operand &operand = signature.operands[i];
      if (!present[i])
        continue;
      if (copy > 0 && operand.type != TypeRule::Weight) {
        args.data[i] = variants[0].data[i];
        continue;
      }
      const uint64_t size = std::max<uint64_t>(bytes[i], 4);
      if (types[i] == DType::I32) {
        auto values = integers(operand.name, size / 4, meaning, rows);
        SLUICE_ASSIGN_OR_RETURN(args.data[i],
                                memory(size, std::as_bytes(std::span(values))));
      } else {
        SLUICE_ASSIGN_OR_RETURN(args.data[i], memory(size, random));
      }
    }
  }
  return Status::ok();
}

/// A launch of the plan in plain values.
struct Shape {
  Kernel kernel;
  Arithmetic arithmetic;
  std::vector<int64_t> dims;
  std::vector<float> scalars;
  std::vector<DType> types;
  std::vector<bool> present;
  int64_t maxRows = 1;

  auto key() const {
    return std::tuple(kernel, arithmetic, dims, types, present, maxRows);
  }
};

Shape shapeOf(const fb::Plan &plan, const fb::Entry &entry,
              const fb::Launch &launch) {
  Shape shape{static_cast<Kernel>(launch.kernel()),
              static_cast<Arithmetic>(launch.arithmetic()),
              {launch.dims()->begin(), launch.dims()->end()},
              {},
              {},
              {},
              launch.rows() == fb::RowKind::Rows        ? entry.max_rows()
              : launch.rows() == fb::RowKind::LogitRows ? entry.max_logit_rows()
                                                        : 1};
  if (launch.scalars())
    shape.scalars.assign(launch.scalars()->begin(), launch.scalars()->end());
  for (uint32_t buffer : *launch.operands()) {
    shape.present.push_back(buffer != plan::kNoBuffer);
    shape.types.push_back(
        shape.present.back()
            ? static_cast<DType>(plan.buffers()->Get(buffer)->dtype())
            : DType::F32);
  }
  return shape;
}

/// The work of experts is measured by expert, see profileExperts.
bool isExpertWork(Kernel kernel) {
  return kernel == Kernel::ExpertGateUp || kernel == Kernel::ExpertDown;
}

std::vector<int64_t> contextsOf(const fb::Model &model, Kernel kernel) {
  if (kernel != Kernel::Attention)
    return {0};
  std::vector<int64_t> contexts;
  const auto longest = static_cast<int64_t>(model.max_positions());
  for (int64_t tokens = 16; tokens < longest; tokens *= 4)
    contexts.push_back(tokens);
  contexts.push_back(longest);
  return contexts;
}

/// Whether another plan had the same launch.
bool isKnown(const Hardware &hardware, const Shape &shape, int64_t rows,
             int64_t context) {
  return std::any_of(hardware.kernels.begin(), hardware.kernels.end(),
                     [&](const KernelTime &time) {
                       return time.kernel == shape.kernel &&
                              time.arithmetic == shape.arithmetic &&
                              time.dims == shape.dims && time.rows == rows &&
                              time.context == context;
                     });
}

Status profileShape(Backend &backend, Timer &timer, const fb::Model &model,
                    const Shape &shape, const std::vector<int64_t> &rows,
                    Hardware &into) {
  std::vector<int64_t> counts;
  for (int64_t count : rows)
    if (count < shape.maxRows)
      counts.push_back(count);
  counts.push_back(shape.maxRows);
  for (int64_t count : counts)
    for (int64_t context : contextsOf(model, shape.kernel)) {
      if (isKnown(into, shape, count, context))
        continue;
      Bench bench(backend);
      SLUICE_RETURN_IF_ERROR(
          bench.make(shape.kernel, shape.arithmetic, shape.dims, shape.scalars,
                     shape.types, shape.present, count, shape.maxRows,
                     {context, static_cast<int64_t>(model.experts()),
                      static_cast<int64_t>(model.max_sequences())}));
      SLUICE_ASSIGN_OR_RETURN(double us, timer.launches([&](uint64_t call) {
        return bench.launch(call);
      }));
      into.kernels.push_back(
          {shape.kernel, shape.arithmetic, shape.dims, count, context, us});
    }
  return Status::ok();
}

} // namespace

std::optional<ExpertShape> expertShapeOf(const fb::Plan &plan) {
  if (plan.expert_banks() && plan.expert_banks()->size() != 0) {
    const fb::ExpertBank &bank = *plan.expert_banks()->Get(0);
    const fb::ExpertPool &pool = *plan.expert_pools()->Get(bank.pool());
    return ExpertShape{
        bank.hidden(), bank.inner(),
        static_cast<DType>(plan.buffers()->Get(pool.buffer())->dtype())};
  }
  for (const fb::Entry *entry : *plan.entries())
    for (const fb::Instruction *instruction : *entry->instructions())
      if (const fb::Launch *launch = instruction->operation_as_Launch();
          launch && launch->kernel() == fb::Kernel::ExpertGateUp)
        return ExpertShape{
            launch->dims()->Get(2), launch->dims()->Get(3),
            static_cast<DType>(
                plan.buffers()->Get(launch->operands()->Get(4))->dtype())};
  return std::nullopt;
}

uint64_t hostExpertBytes(const fb::Plan &plan) {
  uint64_t bytes = 0;
  if (plan.expert_pools())
    for (const fb::ExpertPool *pool : *plan.expert_pools())
      if (pool->host_buffer() != plan::kNoBuffer)
        bytes += plan.buffers()->Get(pool->host_buffer())->bytes();
  return bytes;
}

Status profileKernels(Backend &backend, Timer &timer, const fb::Plan &plan,
                      const std::vector<int64_t> &rows, Hardware &into) {
  std::map<decltype(std::declval<Shape>().key()), Shape> shapes;
  for (const fb::Entry *entry : *plan.entries())
    for (const fb::Instruction *instruction : *entry->instructions())
      if (const fb::Launch *launch = instruction->operation_as_Launch();
          launch && !isExpertWork(static_cast<Kernel>(launch->kernel()))) {
        Shape shape = shapeOf(plan, *entry, *launch);
        shapes.emplace(shape.key(), std::move(shape));
      }
  for (const auto &[key, shape] : shapes)
    SLUICE_RETURN_IF_ERROR(
        profileShape(backend, timer, *plan.model(), shape, rows, into));
  return Status::ok();
}

void rateArithmetic(Hardware &hardware) {
  for (Arithmetic arithmetic : {Arithmetic::Portable, Arithmetic::Tensor}) {
    double best = 0;
    for (const KernelTime &time : hardware.kernels)
      if (time.kernel == Kernel::Linear && time.arithmetic == arithmetic) {
        const double operations = 2.0 * static_cast<double>(time.rows) *
                                  static_cast<double>(time.dims[0]) *
                                  static_cast<double>(time.dims[1]);
        best = std::max(best, operations / time.us / 1e6);
      }
    Figure &figure = arithmetic == Arithmetic::Tensor ? hardware.tensorTflops
                                                      : hardware.vectorTflops;
    if (best > 0)
      figure = {best, "measured by sluice-profile: the fastest product of its "
                      "plans, at most as fast as the unit"};
  }
}

Status profileExperts(Backend &backend, Timer &timer, const ExpertShape &shape,
                      Hardware &into) {
  constexpr int64_t kExperts = 16;
  const int64_t part = shape.hidden * shape.inner;
  for (int64_t rows : {1, 2, 4, 8, 16, 32}) {
    const int64_t pairs = rows * kExperts;
    // `context` carries the pairs: offsets spread them evenly.
    const Meaning meaning{pairs, kExperts};
    Bench up(backend), down(backend);
    SLUICE_RETURN_IF_ERROR(up.make(
        Kernel::ExpertGateUp, Arithmetic::Portable,
        {kExperts, 1, shape.hidden, shape.inner, kExperts, 3 * part, 0, part},
        {},
        {DType::F32, DType::I32, DType::I32, DType::I32, shape.dtype,
         DType::F32},
        std::vector<bool>(6, true), pairs, pairs, meaning));
    SLUICE_RETURN_IF_ERROR(down.make(
        Kernel::ExpertDown, Arithmetic::Portable,
        {kExperts, 1, shape.hidden, shape.inner, kExperts, 3 * part, 2 * part},
        {},
        {DType::F32, DType::I32, DType::I32, DType::I32, shape.dtype,
         DType::F32},
        std::vector<bool>(6, true), pairs, pairs, meaning));
    SLUICE_ASSIGN_OR_RETURN(double us,
                            timer.launches([&](uint64_t call) -> Status {
                              SLUICE_RETURN_IF_ERROR(up.launch(call));
                              return down.launch(call);
                            }));
    into.experts.push_back({shape.hidden, shape.inner, shape.bytes(),
                            static_cast<double>(rows),
                            us / static_cast<double>(kExperts)});
  }
  return Status::ok();
}

} // namespace sluice::tools
