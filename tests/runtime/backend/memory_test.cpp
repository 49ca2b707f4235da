//===- memory_test.cpp - Much memory, and none ----------------------------===//

#include "runtime/core/fault.h"
#include "tests/runtime/backend/conformance.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

class Memory : public Conformance {
protected:
  void TearDown() override {
    setFaults("");
    Conformance::TearDown();
  }

  /// CUDA pins much memory in pieces of a GiB; to the others size is nothing.
  uint64_t pieceBytes() const { return uint64_t{1} << (pins() ? 30 : 21); }
  bool pins() const { return std::string(backend->name()) == "cuda"; }

  /// Copies to the device and back, from and to places that cross pieces.
  void copiesCross(const Allocation &big) {
    constexpr uint64_t kBytes = 1 << 20;
    Allocation there = allocate(kDevice, kBytes);
    for (uint64_t at = pieceBytes() - kBytes / 3; at + kBytes <= big.bytes();
         at += pieceBytes()) {
      std::byte *data = big.data() + at;
      for (uint64_t i = 0; i < kBytes; ++i)
        ASSERT_EQ(data[i], std::byte{0});
      for (uint64_t i = 0; i < kBytes; ++i)
        data[i] = std::byte(i % 251);
      ok(backend->copy(StreamKind::Demand, there.data(), kDevice, data, kHost,
                       kBytes));
      ok(backend->synchronize());
      std::memset(data, 0, kBytes);
      ok(backend->copy(StreamKind::CopyBack, data, kHost, there.data(), kDevice,
                       kBytes));
      // And from host to host, both ends inside the big memory.
      ok(backend->copy(StreamKind::CopyBack, big.data() + 1, kHost, data, kHost,
                       kBytes));
      ok(backend->synchronize());
      for (uint64_t i = 0; i < kBytes; ++i) {
        ASSERT_EQ(data[i], std::byte(i % 251)) << at << " " << i;
        ASSERT_EQ(big.data()[1 + i], std::byte(i % 251)) << at << " " << i;
      }
    }
  }
};

TEST_P(Memory, MayBeMuchAndIsSaidToGrow) {
  const uint64_t bytes = 2 * pieceBytes() + 2 * 1048576 + 12345;
  uint64_t last = 0;
  backend->setProgress([&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, bytes);
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
  });
  Allocation big = allocate(kHost, bytes);
  ASSERT_EQ(big.bytes(), bytes);
  EXPECT_EQ(last, pins() ? bytes : 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(big.data()) % kMemoryAlignment, 0u);
  big.data()[bytes - 1] = std::byte{1};
  copiesCross(big);
}

// What is said to be reachable is read and written where it lies, small memory
// and, across its pieces, big memory.
TEST_P(Memory, KernelsReachIt) {
  constexpr int kCount = 3000;
  const uint64_t bytes = 2 * pieceBytes();
  Allocation big = allocate(kHost, bytes), small = allocate(kHost, kCount * 4);
  Allocation one = allocate(kDevice, kCount * 4);
  write(one, std::vector<float>(kCount, 1));
  float *middle = floats(big) + (pieceBytes() / 4 - kCount / 2);
  ASSERT_TRUE(backend->kernelsReach(small.data()));
  ASSERT_TRUE(backend->kernelsReach(middle));
  for (int i = 0; i < kCount; ++i)
    middle[i] = static_cast<float>(i);
  KernelArgs args = addition(one, small, small, kCount);
  args.data[1] = middle;
  ok(backend->launch(StreamKind::Compute, addKernel(), args, 1));
  ok(backend->synchronize());
  for (int i = 0; i < kCount; ++i)
    ASSERT_EQ(floats(small)[i], static_cast<float>(i + 1));
}

// Pinning is refused from the start, or when some pieces are pinned already.
TEST_P(Memory, RefusedPinningLeavesItPageable) {
  for (const char *fault : {"pin", "pin:2"}) {
    setFaults(fault);
    Allocation big = allocate(kHost, 2 * pieceBytes() + 2 * 1048576);
    ASSERT_NE(big.data(), nullptr);
    EXPECT_EQ(backend->kernelsReach(big.data()), !pins());
    copiesCross(big);
  }
  setFaults("pin");
  Allocation small = allocate(kHost, 3000), there = allocate(kDevice, 3000);
  for (int i = 0; i < 3000; ++i)
    ASSERT_EQ(small.data()[i], std::byte{0});
  EXPECT_EQ(backend->kernelsReach(small.data()), !pins());
  floats(small)[1] = 5;
  ok(backend->copy(StreamKind::Demand, there.data(), kDevice, small.data(),
                   kHost, 3000));
  ok(backend->synchronize());
  EXPECT_EQ(read(there, 2)[1], 5);
}

TEST_P(Memory, AFailedAllocationIsAnError) {
  for (MemoryKind kind : {kDevice, kHost}) {
    setFaults("alloc:2");
    Allocation first = allocate(kind, 77);
    EXPECT_NE(first.data(), nullptr);
    says(backend->allocate(kind, 77).status(), ErrorCode::OutOfMemory, "77");
    says(backend->allocate(kind, uint64_t{1} << 50).status(),
         ErrorCode::OutOfMemory, "1125899906842624");
  }
}

SLUICE_ON_REAL_BACKENDS(Memory);

} // namespace
