//===- sim_test.cpp - What only the sim backend has -----------------------===//

#include "runtime/backend/host_work.h"
#include "runtime/backend/sim/kernel_cost.h"
#include "runtime/backend/sim/sim_backend.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace sluice;

namespace {

constexpr auto kDevice = MemoryKind::Device;
constexpr auto kHost = MemoryKind::Host;
constexpr uint64_t kMillion = 1000000;

/// Round figures: a launch or a copy costs the host 4 us, everything else 1 us,
/// to learn of an end 10 us. An upload of a million bytes takes 100 us, a
/// download 200 us, add over 64 elements 50 us.
Hardware roundFigures() {
  Hardware hardware = builtInHardware();
  hardware.name = "round";
  hardware.launchUs.value = 4;
  hardware.syncUs.value = 10;
  hardware.graphNodeUs.value = 2;
  hardware.deviceBandwidth.value = 1000;
  hardware.vectorTflops.value = hardware.tensorTflops.value = 1000;
  hardware.hostRead.value = 50;
  hardware.hostToDevice.points = {{double(kMillion), 10}};
  hardware.deviceToHost.points = {{double(kMillion), 5}};
  hardware.hostExpert.points = {{1, 20}};
  hardware.experts.clear();
  hardware.kernels = {
      {Kernel::Add, Arithmetic::Portable, {64}, 1, 0, 50},
  };
  return hardware;
}

class Sim : public ::testing::Test {
protected:
  void SetUp() override {
    auto made = makeSimBackend(roundFigures());
    ASSERT_TRUE(made.isOk()) << made.status().message();
    backend = std::move(*made);
    ok(backend->reserveEvents(8));
    device = allocate(kDevice, 8 * kMillion);
    host = allocate(kHost, 8 * kMillion);
    add = *backend->findKernel(Kernel::Add, Arithmetic::Portable);
    args.dim[0] = 64;
    args.dtype[0] = args.dtype[1] = args.dtype[2] = DType::F32;
  }
  static void ok(const Status &status) {
    EXPECT_TRUE(status.isOk()) << status.message();
  }
  Allocation allocate(MemoryKind kind, uint64_t bytes) {
    auto memory = backend->allocate(kind, bytes);
    EXPECT_TRUE(memory.isOk()) << memory.status().message();
    return std::move(*memory);
  }
  void upload(StreamKind stream, uint64_t bytes) {
    ok(backend->copy(stream, device.data(), kDevice, host.data(), kHost,
                     bytes));
  }
  void launch(StreamKind stream) { ok(backend->launch(stream, add, args, 1)); }

  std::unique_ptr<Backend> backend;
  Allocation device, host;
  KernelHandle add = nullptr;
  KernelArgs args;
};

TEST_F(Sim, TheHostsClockMovesByWhatItCalls) {
  EXPECT_TRUE(backend->isVirtual());
  EXPECT_EQ(backend->clockUs(), 0);
  launch(StreamKind::Compute); // Enqueued at 4, runs to 54.
  EXPECT_EQ(backend->clockUs(), 4);
  ok(backend->record(StreamKind::Compute, 0));
  EXPECT_EQ(backend->clockUs(), 5);
  ok(backend->waitOnHost(0)); // Known 10 us after 54.
  EXPECT_EQ(backend->clockUs(), 64);
  ok(backend->waitOnHost(0)); // Long over.
  EXPECT_EQ(backend->clockUs(), 65);
  ok(backend->synchronize());
  EXPECT_EQ(backend->clockUs(), 66);
}

TEST_F(Sim, PollingComesToAnEnd) {
  upload(StreamKind::Demand, kMillion); // 4 to 104.
  ok(backend->record(StreamKind::Demand, 1));
  int polls = 0;
  for (bool done = false; !done; ++polls) {
    auto result = backend->query(1);
    ASSERT_TRUE(result.isOk());
    done = *result;
  }
  EXPECT_EQ(polls, 104 - 5);
  EXPECT_EQ(backend->clockUs(), 104);
}

TEST_F(Sim, ALayerWithADemandAPrefetchAndHostWork) {
  ok(backend->startTrace()); // Costs 1: everything below is from there.
  const double start = backend->clockUs();
  backend->label({"expert", 3, 7});
  upload(StreamKind::Prefetch, 2 * kMillion); // Enqueued at 4: 4 to 204.
  backend->label({"expert", 3, 8});
  upload(StreamKind::Demand, kMillion);       // Enqueued at 8: 204 to 304.
  ok(backend->record(StreamKind::Demand, 0)); // 9.
  ok(backend->wait(StreamKind::Compute, 0));  // 10.
  backend->label({});
  launch(StreamKind::Compute); // 304 to 354.

  // Host work: gate and up of one expert of 64 x 32 in f32, 16384 bytes at
  // 20 GB/s.
  HostLaunch work;
  work.kernel = Kernel::ExpertGateUp;
  work.rows = 1;
  int32_t offsets[] = {0, 1};
  work.args.data[1] = offsets;
  for (DType &type : work.args.dtype)
    type = DType::F32;
  const int64_t dims[] = {1, 1, 64, 32, 1, 3 * 64 * 32, 0, 64 * 32};
  std::copy(std::begin(dims), std::end(dims), work.args.dim);
  backend->label({"run_host", 3, -1});
  ok(backend->startHostWork({&work, 1})); // 18 to 18.8192.
  EXPECT_FALSE(backend->startHostWork({&work, 1}).isOk()) << "one at a time";
  ok(backend->waitHostWork());
  EXPECT_NEAR(backend->clockUs() - start, 18 + 0.8192 + 10, 1e-9);
  ok(backend->synchronize());
  EXPECT_EQ(backend->clockUs() - start, 354 + 10);

  auto spans = backend->takeTrace();
  ASSERT_TRUE(spans.isOk()) << spans.status().message();
  ASSERT_EQ(spans->size(), 4u);
  const TraceSpan &prefetch = (*spans)[0], &host = (*spans)[1],
                  &demand = (*spans)[2], &kernel = (*spans)[3];
  EXPECT_EQ(prefetch.stream, StreamKind::Prefetch);
  EXPECT_EQ(prefetch.startUs, 4);
  EXPECT_EQ(prefetch.endUs, 204);
  EXPECT_EQ(prefetch.bytes, 2 * kMillion);
  EXPECT_EQ(prefetch.label.expert, 7);
  EXPECT_EQ(host.stream, kHostTrack);
  EXPECT_EQ(host.startUs, 18);
  EXPECT_STREQ(host.label.name, "run_host");
  EXPECT_EQ(demand.startUs, 204);
  EXPECT_EQ(demand.endUs, 304);
  EXPECT_EQ(demand.label.expert, 8);
  EXPECT_EQ(kernel.startUs, 304);
  EXPECT_EQ(kernel.endUs, 354);
  EXPECT_STREQ(kernel.label.name, "add") << "the kernel's name without a label";
  EXPECT_EQ(kernel.bytes, 0u);
}

/// When both end, after the start of the first.
struct Ends {
  double copy, job;
};

/// A million bytes on the bus, which would take 4 to 104, and from 8 on a job
/// of one expert of 2 MB that serves `rows` rows.
Ends copyBesideJob(const Hardware &hardware, int32_t rows) {
  auto backend = std::move(*makeSimBackend(hardware));
  auto device = std::move(*backend->allocate(kDevice, 8 * kMillion));
  auto host = std::move(*backend->allocate(kHost, 8 * kMillion));
  EXPECT_TRUE(backend->startTrace().isOk());
  const double start = backend->clockUs();
  EXPECT_TRUE(backend
                  ->copy(StreamKind::Demand, device.data(), kDevice,
                         host.data(), kHost, kMillion)
                  .isOk());
  HostLaunch work;
  work.kernel = Kernel::ExpertGateUp;
  work.rows = rows;
  int32_t offsets[] = {0, rows};
  work.args.data[1] = offsets;
  for (DType &type : work.args.dtype)
    type = DType::BF16;
  const int64_t dims[] = {1, 1, 1000, 500, 1, 3 * 500000, 0, 500000};
  std::copy(std::begin(dims), std::end(dims), work.args.dim);
  EXPECT_TRUE(backend->startHostWork({&work, 1}).isOk());
  EXPECT_FALSE(backend->startTrace().isOk());
  EXPECT_TRUE(backend->waitHostWork().isOk());
  const double learned = backend->clockUs() - start;
  auto spans = backend->takeTrace();
  EXPECT_TRUE(spans.isOk()) << spans.status().message();
  if (!spans.isOk() || spans->size() != 2) {
    ADD_FAILURE() << "expected a copy and a job in the trace";
    return {};
  }
  EXPECT_NEAR((*spans)[0].startUs, 4, 1e-9);
  EXPECT_NEAR((*spans)[1].startUs, 8, 1e-9);
  EXPECT_NEAR(learned, (*spans)[1].endUs + 10, 1e-9);
  return {(*spans)[0].endUs, (*spans)[1].endUs};
}

/// 10 GB/s of bus and 20 of experts, but 24 of memory: 8 and 16, so both take
/// 1.25 times as long while both run.
TEST(SimMemory, IsSharedByBusAndHostWork) {
  Hardware hardware = roundFigures();
  hardware.hostRead.value = 24;
  // 100 us alone. The copy has 96 left, which take 120; the job has done as
  // much by then and has 4 left.
  const Ends ends = copyBesideJob(hardware, 1);
  EXPECT_NEAR(ends.copy, 128, 1e-9);
  EXPECT_NEAR(ends.job, 132, 1e-9);
}

/// Measured: with one row both take twice as long; with four the bus takes 1.25
/// times as long and the experts 1.6 times, though the memory has room.
TEST(SimMemory, IsSharedAsMeasuredForTheRows) {
  Hardware hardware = roundFigures();
  hardware.hostRead.value = 1000;
  hardware.hostExpert.points = {{1, 40}, {4, 20}};
  hardware.shared = {{{1, {5, 20}}, {4, {8, 12.5}}}, 10, "t"};
  // 100 us alone: 75 of them beside the 120 of the copy.
  Ends ends = copyBesideJob(hardware, 4);
  EXPECT_NEAR(ends.copy, 128, 1e-9);
  EXPECT_NEAR(ends.job, 128 + 25, 1e-9);
  // 50 us of one row, which become 100, and 50 of the job itself, which stay
  // and make it no job of four. The copy does 50 and 50 in that time, two of
  // three beside it: its 96 take 144, as do 96 of the job.
  hardware.hostJobUs = {50, "t"};
  ends = copyBesideJob(hardware, 1);
  EXPECT_NEAR(ends.copy, 152, 1e-9);
  EXPECT_NEAR(ends.job, 156, 1e-9);
}

TEST_F(Sim, BothDirectionsAtOnce) {
  upload(StreamKind::Demand, kMillion); // 4 to 104.
  ok(backend->copy(StreamKind::CopyBack, host.data(), kHost, device.data(),
                   kDevice, kMillion)); // 8 to 208.
  ok(backend->synchronize(StreamKind::Demand));
  EXPECT_EQ(backend->clockUs(), 114);
  ok(backend->synchronize(StreamKind::CopyBack));
  EXPECT_EQ(backend->clockUs(), 218);
}

TEST_F(Sim, SmallCopiesHappenAndBigOnesOnlyTakeTime) {
  host.data()[0] = std::byte{1};
  host.data()[kSimCopiedBytes - 1] = std::byte{2};
  upload(StreamKind::Demand, kSimCopiedBytes);
  ok(backend->synchronize());
  EXPECT_EQ(device.data()[0], std::byte{1});
  EXPECT_EQ(device.data()[kSimCopiedBytes - 1], std::byte{2});
  host.data()[0] = std::byte{3};
  upload(StreamKind::Demand, kSimCopiedBytes + 1);
  ok(backend->synchronize());
  EXPECT_EQ(device.data()[0], std::byte{1});
}

TEST_F(Sim, MemoryLargerThanAnyMachine) {
  Allocation terabyte = allocate(kDevice, uint64_t{1} << 40);
  Allocation pool = allocate(kHost, uint64_t{1} << 40);
  pool.data()[uint64_t{1} << 39] = std::byte{1};
  EXPECT_EQ(terabyte.data()[(uint64_t{1} << 40) - 1], std::byte{0});
}

TEST_F(Sim, AGraphCostsTheHostOneLaunch) {
  ASSERT_TRUE(backend->hasGraphs());
  ok(backend->beginGraph(StreamKind::Compute));
  for (int i = 0; i < 3; ++i)
    launch(StreamKind::Compute);
  EXPECT_FALSE(backend->wait(StreamKind::Compute, 0).isOk());
  EXPECT_FALSE(backend->synchronize(StreamKind::Compute).isOk());
  auto graph = backend->endGraph(StreamKind::Compute);
  ASSERT_TRUE(graph.isOk());
  args.dim[0] = 1; // The graph has the arguments as they were.
  const double start = backend->clockUs();
  for (int i = 0; i < 2; ++i)
    ok(backend->launchGraph(StreamKind::Compute, *graph));
  EXPECT_EQ(backend->clockUs(), start + 8);
  ok(backend->synchronize());
  EXPECT_EQ(backend->clockUs(), start + 4 + 6 * 50 + 10);
  EXPECT_FALSE(backend->launchGraph(StreamKind::Compute, *graph + 1).isOk());
}

TEST_F(Sim, AReportGoesToTheHostOnce) {
  constexpr uint64_t kPart = 1 << 20;
  Allocation device = allocate(kDevice, 2 * kPart);
  Allocation host = allocate(kHost, 2 * kPart);
  const ReportPart parts[] = {
      {host.data(), device.data(), kPart},
      {host.data() + kPart, device.data() + kPart, kPart}};
  auto seen = [&](std::span<const ReportPart> some) {
    const double start = backend->clockUs();
    ok(backend->report(StreamKind::Compute, some, 0));
    ok(backend->waitOnHost(0));
    return backend->clockUs() - start;
  };
  const Hardware hardware = roundFigures();
  const double once = hardware.deviceToHostUs(kPart);
  const double within = 2 * kPart / (hardware.deviceBandwidth.value * 1e3);
  const double one = seen({parts, 1});
  EXPECT_GT(one, once);
  EXPECT_NEAR(seen(parts), one + within, 1e-9);
}

TEST_F(Sim, RefusesAMachineWithoutFigures) {
  Hardware hardware = roundFigures();
  hardware.hostExpert.points.clear();
  EXPECT_FALSE(makeSimBackend(hardware).isOk());
  hardware = roundFigures();
  hardware.syncUs.value = 0;
  EXPECT_FALSE(makeSimBackend(hardware).isOk());
}

//===-- Kernel costs ------------------------------------------------------===//

KernelArgs expertArgs(const int32_t *offsets, int64_t experts) {
  KernelArgs args;
  args.data[1] = const_cast<int32_t *>(offsets);
  for (int i = 0; i < KernelArgs::kMaxOperands; ++i)
    args.dtype[i] = i == 4 ? DType::BF16 : DType::F32;
  const int64_t dims[] = {experts, 2, 1000, 500, 8, 1500000, 0, 500000};
  std::copy(std::begin(dims), std::end(dims), args.dim);
  return args;
}

TEST(SimCost, ExpertsOfAWaveAreReadOnceEach) {
  const int32_t offsets[] = {4, 9, 9, 10}; // The second has no rows.
  KernelArgs args = expertArgs(offsets, 3);
  EXPECT_EQ(sim::activeExperts(args, 100).count, 2);
  EXPECT_EQ(sim::activeExperts(args, 100).pairs, 6);

  // Roofline: 2 experts x 2 matrices x 1e6 bytes, and 6 pairs of 1000 floats in
  // and 500 out and of one integer, at 1000 GB/s; 2 us for the node.
  Hardware hardware = roundFigures();
  double bytes = 4e6 + 6 * (1000 + 500 + 1) * 4;
  EXPECT_NEAR(sim::trafficBytes(Kernel::ExpertGateUp, args, 100), bytes, 1e-6);
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::ExpertGateUp,
                            Arithmetic::Portable, args, 100),
              2 + bytes / 1e6, 1e-9);

  // A measured expert: 30 us with one row, 60 with five, for all three
  // matrices; two of them are gate and up.
  hardware.experts = {{1000, 500, 3000000, 1, 30}, {1000, 500, 3000000, 5, 60}};
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::ExpertGateUp,
                            Arithmetic::Portable, args, 100),
              60 * 2 / 3.0 + 30 * 2 / 3.0, 1e-9);
  KernelArgs down = args;
  down.dim[7] = 0;
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::ExpertDown, Arithmetic::Portable,
                            down, 100),
              60 / 3.0 + 30 / 3.0, 1e-9);
  down.dim[7] = 750; // The last 250 outputs of 1000.
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::ExpertDown, Arithmetic::Portable,
                            down, 100),
              (60 / 3.0 + 30 / 3.0) / 4, 1e-9);
  // The host: 2 experts x 2 MB at 20 GB/s, with one row as with five.
  hardware.hostExpert.points.push_back({5, 20});
  EXPECT_NEAR(sim::hostKernelUs(hardware, Kernel::ExpertGateUp, args, 100),
              4e6 / 20e3, 1e-9);
  // Nobody measured five rows: the arithmetic of one takes five times as long.
  hardware.hostExpert.points = {{1, 20}};
  EXPECT_NEAR(sim::hostKernelUs(hardware, Kernel::ExpertGateUp, args, 100),
              6 * 2e6 / 20e3, 1e-9);
}

TEST(SimCost, ExpertsThatAKernelFindsAreTheExpectedUnion) {
  const int32_t offsets[129] = {};
  KernelArgs args = expertArgs(offsets, 128);
  args.dim[1] = 8;
  EXPECT_NEAR(sim::activeExperts(args, 1).count, 8, 1e-9);
  EXPECT_NEAR(sim::activeExperts(args, 4).count, 128 * (1 - 50625.0 / 65536),
              1e-9);
  EXPECT_EQ(sim::activeExperts(args, 4).pairs, 32);
}

TEST(SimCost, AGroupIsAllItsMatrices) {
  KernelArgs args;
  for (int i : {0, 1, 3, 4, 6, 7, 9})
    args.data[i] = &args; // Present; not read.
  for (DType &type : args.dtype)
    type = DType::BF16;
  const int64_t dims[] = {1000, 600, 300, 100};
  std::copy(std::begin(dims), std::end(dims), args.dim);
  // A million weights; 2 rows in once, 1000 outputs of each.
  const double bytes = 2e6 + 2 * (1000 + 1000) * 2;
  EXPECT_EQ(sim::trafficBytes(Kernel::LinearGroup, args, 2), bytes);
  Hardware hardware = roundFigures();
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::LinearGroup, Arithmetic::Portable,
                            args, 2),
              2 + bytes / 1e6, 1e-9);
  hardware.vectorTflops.value = 0.1; // 4e6 operations take 40 us.
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::LinearGroup, Arithmetic::Portable,
                            args, 2),
              2 + 40, 1e-9);
  // Without the third.
  args.data[7] = args.data[9] = nullptr;
  args.dim[3] = 0;
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::LinearGroup, Arithmetic::Portable,
                            args, 2),
              2 + 36, 1e-9);
}

TEST(SimCost, ARouterIsItsNormAndItsProduct) {
  KernelArgs args;
  for (int i = 0; i < 9; ++i) {
    args.data[i] = &args; // Present; not read.
    args.dtype[i] = i < 6 ? DType::BF16 : DType::F32;
  }
  const int64_t dims[] = {1000, 100, 8, 1};
  std::copy(std::begin(dims), std::end(dims), args.dim);
  // Weights of the norm and the router once; 2 rows in twice and out twice,
  // then logits, ids and weights of 4 bytes.
  const double bytes =
      2 * (1000 + 1e5) + 2 * 4 * 1000 * 2 + 2 * (100 + 8 + 8) * 4;
  EXPECT_EQ(sim::trafficBytes(Kernel::AddNormRoute, args, 2), bytes);
  Hardware hardware = roundFigures();
  hardware.vectorTflops.value = 0.1; // 4e5 operations take 4 us.
  EXPECT_NEAR(sim::kernelUs(hardware, Kernel::AddNormRoute,
                            Arithmetic::Portable, args, 2),
              2 + 4, 1e-9);
}

/// What the CPU computed of a sum comes over the wire, and nothing else does.
TEST(SimCost, ASumReadsTheHostsShareOverTheWire) {
  const Hardware hardware = roundFigures();
  constexpr int64_t kTopK = 2, kHidden = 100000;
  const int32_t shares[] = {0, kHidden, 30000, 0};
  KernelArgs args;
  args.dtype[0] = args.dtype[1] = args.dtype[2] = args.dtype[3] = DType::F32;
  args.dtype[4] = DType::I32;
  args.dim[0] = kTopK;
  args.dim[1] = kHidden;
  auto us = [&](int64_t rows) {
    return sim::kernelUs(hardware, Kernel::ExpertCombine, Arithmetic::Portable,
                         args, rows);
  };
  const double alone = us(2);
  float results = 0;
  args.data[3] = &results; // never read
  args.data[4] = const_cast<int32_t *>(shares);
  args.dim[2] = 1;
  // The table of shares is 16 bytes.
  EXPECT_NEAR(us(2), alone + hardware.hostToDeviceUs(130000 * 4), 1e-3);
  EXPECT_NEAR(sim::trafficBytes(Kernel::ExpertCombine, args, 2),
              2 * (kTopK * kHidden + kTopK + kHidden) * 4 + 16, 1);
}

TEST(SimCost, AttentionReadsTheContextsThereAre) {
  // Three rows: two of one sequence (contexts 5 and 6, read once), one of
  // another (10).
  const int32_t positions[] = {4, 5, 9}, sequences[] = {0, 0, 1};
  KernelArgs args;
  args.data[0] = args.data[7] = &args; // Present; not read.
  args.data[3] = const_cast<int32_t *>(positions);
  args.data[4] = const_cast<int32_t *>(sequences);
  for (DType &type : args.dtype)
    type = DType::BF16;
  args.dtype[3] = args.dtype[4] = args.dtype[5] = DType::I32;
  const int64_t dims[] = {4, 2, 8, 100, 16, 2, 50, 4, 10};
  std::copy(std::begin(dims), std::end(dims), args.dim);
  // q and out, positions and sequences, keys and values of 16 tokens.
  const double bytes = 2 * 3 * 4 * 8 * 2 + 2 * 3 * 4 + 2 * 16 * 2 * 8 * 2;
  EXPECT_EQ(sim::trafficBytes(Kernel::Attention, args, 3), bytes);

  Hardware hardware = roundFigures();
  hardware.kernels = {
      {Kernel::Attention, Arithmetic::Portable, {dims, dims + 9}, 3, 6, 40},
      {Kernel::Attention, Arithmetic::Portable, {dims, dims + 9}, 3, 8, 60}};
  EXPECT_NEAR(
      sim::kernelUs(hardware, Kernel::Attention, Arithmetic::Portable, args, 3),
      50, 1e-9); // A mean context of 7.
}

TEST(SimCost, TablesCountByTheRowsInUse) {
  KernelArgs args;
  args.data[0] = args.data[1] = args.data[2] = &args;
  args.dtype[0] = DType::I32;
  args.dtype[1] = args.dtype[2] = DType::BF16;
  args.dim[0] = 150000; // The vocabulary.
  args.dim[1] = 2048;
  EXPECT_EQ(sim::trafficBytes(Kernel::Embed, args, 3), 3 * (4 + 2 * 4096));
}

} // namespace
