//===- safetensors_fuzz.cpp - Any bytes as a safetensors header -----------===//
//
// The first byte chooses: even, the rest is the file as it lies on disk; odd,
// the rest is the JSON, with a right length before it and as much data behind
// it as the next two bytes say, so that the fuzzer gets past the length.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

void check(const std::string &start, uint64_t fileBytes) {
  auto header = sluice::SafetensorsHeader::parse(start, fileBytes, "fuzz");
  if (!header) {
    const std::string_view message = header.status().message();
    require(!message.empty() && message.size() < 1000);
    for (unsigned char c : message)
      require(c >= 0x20);
    return;
  }
  uint64_t total = header->dataOffset();
  require(total <= fileBytes);
  std::string_view last;
  for (const sluice::SafetensorsTensor &tensor : header->tensors()) {
    require(tensor.offset >= header->dataOffset());
    require(tensor.offset <= fileBytes);
    require(tensor.bytes <= fileBytes - tensor.offset);
    uint64_t bytes = byteSize(tensor.dtype);
    for (int64_t dim : tensor.shape)
      bytes *= static_cast<uint64_t>(dim);
    require(bytes == tensor.bytes);
    require(&tensor == &header->tensors().front() || last < tensor.name);
    require(header->find(tensor.name) == &tensor);
    last = tensor.name;
    total += tensor.bytes;
  }
  require(total == fileBytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3)
    return 0;
  const std::string_view rest(reinterpret_cast<const char *>(data) + 3,
                              size - 3);
  if (data[0] % 2 == 0) {
    check(std::string(rest), rest.size());
    return 0;
  }
  std::string start(8, '\0');
  for (int i = 0; i < 8; ++i)
    start[i] = static_cast<char>(static_cast<uint64_t>(rest.size()) >> 8 * i);
  start += rest;
  check(start, start.size() + data[1] + 256u * data[2]);
  return 0;
}
