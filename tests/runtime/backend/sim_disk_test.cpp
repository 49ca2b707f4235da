//===- sim_disk_test.cpp - Reads of a disk in virtual time ----------------===//

#include "runtime/backend/sim/sim_backend.h"
#include "runtime/backend/virtual_disk.h"
#include "tests/runtime/backend/virtual_costs.h"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

constexpr uint64_t kMillion = 1000000;

/// Everything that virtualCosts does not name costs the host 1 us. A read of a
/// million bytes takes 500 us, an upload of as many 100 us.
class SimDisk : public ::testing::Test {
protected:
  void SetUp() override {
    Hardware hardware = sluice::testing::virtualCosts(2);
    hardware.hostToDevice.points = {{double(kMillion), 10}};
    auto made = makeSimBackend(hardware);
    ASSERT_TRUE(made.isOk()) << made.status().message();
    backend = std::move(*made);
    disk = backend->virtualDisk();
    ASSERT_NE(disk, nullptr);
  }

  std::unique_ptr<Backend> backend;
  VirtualDisk *disk = nullptr;
};

TEST_F(SimDisk, ReadsOneAfterTheOther) {
  const double first = disk->startRead(kMillion, {}); // Begun at 4.
  EXPECT_EQ(first, 504);
  const double second = disk->startRead(kMillion / 2, {}); // At 8, behind it.
  EXPECT_EQ(second, 754);
  EXPECT_FALSE(disk->isOver(first));
  EXPECT_EQ(backend->clockUs(), 8) << "to ask costs nothing";
  disk->waitForRead(first);
  EXPECT_EQ(backend->clockUs(), 514);
  EXPECT_TRUE(disk->isOver(first));
  EXPECT_FALSE(disk->isOver(second));
  disk->waitForRead(first); // Long over.
  EXPECT_EQ(backend->clockUs(), 515);
  disk->waitForRead(second);
  EXPECT_EQ(backend->clockUs(), 764);
  // It stood idle from 754.
  EXPECT_EQ(disk->startRead(kMillion, {}), 768 + 500);
}

/// What the streams do goes on meanwhile, and is a track of its own.
TEST_F(SimDisk, IsATrackBesideTheStreams) {
  auto device = std::move(*backend->allocate(MemoryKind::Device, kMillion));
  auto host = std::move(*backend->allocate(MemoryKind::Host, kMillion));
  ASSERT_TRUE(backend->startTrace().isOk());
  const double start = backend->clockUs();
  const double end = disk->startRead(kMillion, {"read", 3, 7}); // 4 to 504.
  ASSERT_TRUE(backend
                  ->copy(StreamKind::Demand, device.data(), MemoryKind::Device,
                         host.data(), MemoryKind::Host, kMillion)
                  .isOk()); // 8 to 108.
  ASSERT_TRUE(backend->synchronize().isOk());
  disk->waitForRead(end);
  auto spans = backend->takeTrace();
  ASSERT_TRUE(spans.isOk()) << spans.status().message();
  ASSERT_EQ(spans->size(), 2u);
  const TraceSpan &read = (*spans)[0], &copy = (*spans)[1];
  EXPECT_EQ(read.stream, kDiskTrack);
  EXPECT_STREQ(name(read.stream), "disk");
  EXPECT_STREQ(read.label.name, "read");
  EXPECT_EQ(read.label.layer, 3);
  EXPECT_EQ(read.label.expert, 7);
  EXPECT_EQ(read.bytes, kMillion);
  EXPECT_EQ(read.startUs, 4);
  EXPECT_EQ(read.endUs, 504);
  EXPECT_EQ(end, start + 504);
  EXPECT_EQ(copy.stream, StreamKind::Demand);
  EXPECT_EQ(copy.endUs, 108);
}

/// A read that begins before a trace or ends behind it is there with its part.
TEST_F(SimDisk, TracesHaveThePartInside) {
  disk->startRead(kMillion, {"over", -1, -1});                     // 4 to 504.
  const double half = disk->startRead(kMillion, {"half", -1, -1}); // To 1004.
  disk->waitForRead(504);                                          // 514.
  ASSERT_TRUE(backend->startTrace().isOk());
  const double start = backend->clockUs();
  disk->waitForRead(half);                                         // 1014.
  const double last = disk->startRead(kMillion, {"last", -1, -1}); // From 1018.
  EXPECT_EQ(last, 1518);
  auto spans = backend->takeTrace();
  ASSERT_TRUE(spans.isOk()) << spans.status().message();
  const double end = backend->clockUs();
  ASSERT_EQ(spans->size(), 2u);
  const TraceSpan &first = (*spans)[0], &second = (*spans)[1];
  EXPECT_STREQ(first.label.name, "half");
  EXPECT_EQ(first.startUs, 0);
  EXPECT_EQ(first.endUs, 1004 - start);
  EXPECT_NEAR(double(first.bytes), (1004 - start) * 2000, 0.5);
  EXPECT_STREQ(second.label.name, "last");
  EXPECT_EQ(second.startUs, 1018 - start);
  EXPECT_EQ(second.endUs, end - start);
  EXPECT_LT(second.bytes, kMillion);

  ASSERT_TRUE(backend->startTrace().isOk());
  const double again = backend->clockUs();
  disk->waitForRead(last);
  spans = backend->takeTrace();
  ASSERT_TRUE(spans.isOk()) << spans.status().message();
  ASSERT_EQ(spans->size(), 1u);
  EXPECT_EQ((*spans)[0].endUs, 1518 - again);
}

TEST(SimDiskFigures, MustBeThere) {
  Hardware hardware = builtInHardware();
  hardware.diskRead.value = 0;
  EXPECT_FALSE(makeSimBackend(hardware).isOk());
}

} // namespace
