//===- conformance.h - What the conformance tests share ---------*- C++ -*-===//
//
// A backend under test and what is done with one in every test.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "tests/runtime/backend/backends.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

namespace sluice::testing {

inline constexpr auto kDevice = MemoryKind::Device;
inline constexpr auto kHost = MemoryKind::Host;
inline constexpr StreamKind kStreams[] = {
    StreamKind::Compute, StreamKind::Demand, StreamKind::Prefetch,
    StreamKind::CopyBack};

inline void sleepFor(void *microseconds) {
  std::this_thread::sleep_for(
      std::chrono::microseconds(reinterpret_cast<intptr_t>(microseconds)));
}

/// Holds a stream up until it is opened; gives up after five seconds, so that a
/// wrong backend fails instead of hanging.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<bool> gaveUp{false};

  static void wait(void *gate) {
    auto *self = static_cast<Gate *>(gate);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!self->open && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    self->gaveUp = !self->open;
  }
};

class Conformance : public ::testing::TestWithParam<BackendCase> {
protected:
  void SetUp() override {
    auto made = GetParam().make();
    ASSERT_TRUE(made.isOk()) << made.status().message();
    backend = std::move(*made);
    ok(backend->reserveEvents(64));
  }
  void TearDown() override {
    ok(backend->synchronize());
    ok(backend->checkGuards());
  }

  static void ok(const Status &status) {
    EXPECT_TRUE(status.isOk()) << status.message();
  }

  Allocation allocate(MemoryKind kind, uint64_t bytes) {
    auto memory = backend->allocate(kind, bytes);
    EXPECT_TRUE(memory.isOk()) << memory.status().message();
    return std::move(*memory);
  }
  static float *floats(const Allocation &memory) {
    return reinterpret_cast<float *>(memory.data());
  }

  /// target = a + b over `count` floats of device memory.
  KernelArgs addition(const Allocation &a, const Allocation &b,
                      const Allocation &target, int64_t count) {
    KernelArgs args;
    args.data[0] = a.data();
    args.data[1] = b.data();
    args.data[2] = target.data();
    args.dtype[0] = args.dtype[1] = args.dtype[2] = DType::F32;
    args.dim[0] = count;
    args.maxRows = 1;
    return args;
  }
  KernelHandle addKernel() {
    auto kernel = backend->findKernel(Kernel::Add, Arithmetic::Portable);
    EXPECT_TRUE(kernel.isOk()) << kernel.status().message();
    return *kernel;
  }
  void write(const Allocation &target, const std::vector<float> &values) {
    Allocation host = allocate(kHost, values.size() * 4);
    std::memcpy(host.data(), values.data(), values.size() * 4);
    ok(backend->copy(StreamKind::Demand, target.data(), kDevice, host.data(),
                     kHost, values.size() * 4));
    ok(backend->synchronize(StreamKind::Demand));
  }
  std::vector<float> read(const Allocation &source, size_t count) {
    Allocation host = allocate(kHost, count * 4);
    ok(backend->copy(StreamKind::CopyBack, host.data(), kHost, source.data(),
                     kDevice, count * 4));
    ok(backend->synchronize(StreamKind::CopyBack));
    return {floats(host), floats(host) + count};
  }

  /// A failure with the code, the backend's name and `part` in one line.
  void says(const Status &status, ErrorCode code, const char *part) {
    ASSERT_FALSE(status.isOk()) << part;
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message().find('\n'), std::string_view::npos);
    EXPECT_NE(status.message().find(backend->name()), std::string_view::npos)
        << status.message();
    EXPECT_NE(status.message().find(part), std::string_view::npos)
        << status.message();
  }

  std::unique_ptr<Backend> backend;
};

/// What only a backend can do whose kernels compute and whose streams go on
/// while the host does something else.
class RealConformance : public Conformance {};

#define SLUICE_ON_BACKENDS(Fixture, backends)                                  \
  INSTANTIATE_TEST_SUITE_P(All, Fixture, ::testing::ValuesIn(backends),        \
                           [](const auto &info) { return info.param.name; })

/// Runs the tests of a fixture derived from Conformance on all backends, or on
/// those whose kernels compute.
#define SLUICE_ON_ALL_BACKENDS(Fixture)                                        \
  SLUICE_ON_BACKENDS(Fixture, allBackendsUnderTest())
#define SLUICE_ON_REAL_BACKENDS(Fixture)                                       \
  SLUICE_ON_BACKENDS(Fixture, backendsUnderTest())

} // namespace sluice::testing
