//===- operands.cpp - Guarded memory for a kernel's run -------------------===//

#include "tests/kernels/cases.h"

#include "kernels/convert.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace sluice::test {
namespace {

constexpr size_t roundUp(size_t bytes) {
  return (bytes + Operands::kGuard - 1) / Operands::kGuard * Operands::kGuard;
}

bool isPoison(std::span<const std::byte> bytes, size_t phase) {
  for (size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != std::byte((i + phase) % 2 ? 0x7f : 0xff))
      return false;
  return true;
}

} // namespace

void poison(std::span<std::byte> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = std::byte(i % 2 ? 0x7f : 0xff);
}

void Operands::Free::operator()(std::byte *p) const { std::free(p); }

Operands::Operands(const Case &source) : args(source.args) {
  for (size_t i = 0; i < source.image.size(); ++i) {
    const std::vector<std::byte> &image = source.image[i];
    size_t total = kGuard + roundUp(image.size() + kGuard);
    auto *block = static_cast<std::byte *>(std::aligned_alloc(kGuard, total));
    // The guards: their bytes count from the block's start.
    const size_t behind = (kGuard + image.size()) / 2 * 2;
    poison({block, kGuard});
    poison({block + behind, total - behind});
    if (!image.empty()) {
      std::memcpy(block + kGuard, image.data(), image.size());
      args.data[i] = block + kGuard;
    }
    blocks.emplace_back(block);
    sizes.push_back(image.size());
  }
}

std::span<std::byte> Operands::bytes(int operand) {
  return {blocks[operand].get() + kGuard, sizes[operand]};
}

std::span<const std::byte> Operands::bytes(int operand) const {
  return {blocks[operand].get() + kGuard, sizes[operand]};
}

int64_t Operands::elements(int operand) const {
  return static_cast<int64_t>(sizes[operand] / byteSize(args.dtype[operand]));
}

float Operands::value(int operand, int64_t index) const {
  const std::byte *base = bytes(operand).data();
  switch (args.dtype[operand]) {
  case DType::BF16:
    return toFloat(reinterpret_cast<const Bf16 *>(base)[index]);
  case DType::F16:
    return toFloat(reinterpret_cast<const Half *>(base)[index]);
  case DType::F32:
    return reinterpret_cast<const float *>(base)[index];
  case DType::I32:
    break;
  }
  return static_cast<float>(reinterpret_cast<const int32_t *>(base)[index]);
}

void Operands::setValue(int operand, int64_t index, float value) {
  std::byte *base = bytes(operand).data();
  switch (args.dtype[operand]) {
  case DType::BF16:
    reinterpret_cast<Bf16 *>(base)[index] = toBf16(value);
    return;
  case DType::F16:
    reinterpret_cast<Half *>(base)[index] = toHalf(value);
    return;
  case DType::F32:
    reinterpret_cast<float *>(base)[index] = value;
    return;
  case DType::I32:
    reinterpret_cast<int32_t *>(base)[index] = static_cast<int32_t>(value);
  }
}

void Operands::setInt(int operand, int64_t index, int32_t value) {
  reinterpret_cast<int32_t *>(bytes(operand).data())[index] = value;
}

std::string Operands::damage(const Case &source) const {
  const Signature &signature = source.signature();
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::byte *block = blocks[i].get();
    const Operand &operand = signature.operands[i];
    size_t after = kGuard + sizes[i];
    size_t total = kGuard + roundUp(sizes[i] + kGuard);
    if (!isPoison({block, kGuard}, 0))
      return std::string("bytes before '") + operand.name + "' were written";
    if (!isPoison({block + after, total - after}, after))
      return std::string("bytes after '") + operand.name + "' were written";
    if (operand.access == Access::Read && sizes[i] != 0 &&
        std::memcmp(block + kGuard, source.image[i].data(), sizes[i]) != 0)
      return std::string("'") + operand.name + "' is an input and was written";
  }
  return "";
}

bool isResult(const Case &source, int operand) {
  const Operand &info = source.signature().operands[operand];
  bool isScratch = source.kernel == Kernel::Attention && info.optional;
  return info.access != Access::Read && !isScratch &&
         !source.image[operand].empty();
}

std::string compareBits(const Case &source, const Operands &expected,
                        const Operands &actual) {
  const Signature &signature = source.signature();
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    if (!isResult(source, i))
      continue;
    std::span<const std::byte> left = expected.bytes(i);
    std::span<const std::byte> right = actual.bytes(i);
    if (left.size() == right.size() &&
        std::memcmp(left.data(), right.data(), left.size()) == 0)
      continue;
    size_t width = byteSize(source.args.dtype[i]);
    size_t count = std::min(left.size(), right.size()) / width, first = 0;
    // Of 0 / 0 every processor makes a NaN of its own.
    auto bothNan = [&](size_t at) {
      return source.args.dtype[i] != DType::I32 &&
             std::isnan(expected.value(i, static_cast<int64_t>(at))) &&
             std::isnan(actual.value(i, static_cast<int64_t>(at)));
    };
    while (first < count &&
           (std::memcmp(left.data() + first * width,
                        right.data() + first * width, width) == 0 ||
            bothNan(first)))
      ++first;
    if (first == count && left.size() == right.size())
      continue;
    return std::string("'") + signature.operands[i].name + "' differs at [" +
           std::to_string(first) + "] of " + std::to_string(count) + ": " +
           std::to_string(actual.value(i, first)) + ", expected " +
           std::to_string(expected.value(i, first)) + "; " + source.describe();
  }
  return "";
}

double nmse(const Operands &expected, const Operands &actual, int operand) {
  double error = 0, power = 0;
  for (int64_t i = 0, e = expected.elements(operand); i < e; ++i) {
    double wanted = expected.value(operand, i);
    double difference = actual.value(operand, i) - wanted;
    error += difference * difference;
    power += wanted * wanted;
  }
  return error == 0 ? 0 : error / power;
}

} // namespace sluice::test
