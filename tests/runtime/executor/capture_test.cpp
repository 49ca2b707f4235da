//===- capture_test.cpp - What is captured, and what when that fails ------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/core/fault.h"
#include "runtime/executor/graphs.h"
#include "tests/runtime/executor/run_dynamic.h"

#include <algorithm>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// The places for graphs, with a stretch of no steps.
class Places : public ::testing::Test {
protected:
  Places() {
    auto made = makeCpuBackend({1, 0});
    EXPECT_TRUE(made.isOk());
    backend = std::move(*made);
  }
  /// Whether a step of these row counts launches a graph.
  bool launches(uint32_t rows, uint32_t logitRows = 1) {
    const StepSize size{rows, logitRows, false};
    graphs.beginStep(size);
    auto ran = graphs.run({StreamKind::Compute, 0, 0}, {}, *backend, size);
    EXPECT_TRUE(ran.isOk()) << ran.status().message();
    return ran.isOk() && *ran;
  }

  static constexpr uint32_t kCaptured = Graphs::kMaxCaptured,
                            kMet = Graphs::kMaxMet;
  std::unique_ptr<Backend> backend;
  Graphs graphs{"decode", 1};
};

TEST_F(Places, AreForPairsOfRowCounts) {
  for (uint32_t rows : {1, 2})
    for (uint32_t logitRows : {0, 1, 2})
      EXPECT_FALSE(launches(rows, logitRows));
  for (int i = 0; i < 3; ++i)
    for (uint32_t rows : {1, 2})
      for (uint32_t logitRows : {0, 1, 2})
        EXPECT_TRUE(launches(rows, logitRows));
}

TEST_F(Places, AreNotTakenByWhatNeverComesBack) {
  for (uint32_t rows = 1; rows <= 10 * kCaptured; ++rows)
    EXPECT_FALSE(launches(rows));
  EXPECT_TRUE(launches(10 * kCaptured));
  EXPECT_TRUE(launches(7));
  EXPECT_TRUE(launches(7));
}

TEST_F(Places, AreKept) {
  for (uint32_t rows = 1; rows <= 2 * kCaptured; ++rows)
    EXPECT_FALSE(launches(rows));
  // Twice as many as there is room for: the first to come back are captured.
  for (int i = 0; i < 3; ++i)
    for (uint32_t rows = 2 * kCaptured; rows > 0; --rows)
      EXPECT_EQ(launches(rows), rows > kCaptured) << rows;
}

TEST_F(Places, TheOldestThatCameOnceIsForgotten) {
  for (uint32_t rows = 1; rows <= kMet + 2; ++rows)
    EXPECT_FALSE(launches(rows));
  EXPECT_TRUE(launches(3));
  EXPECT_TRUE(launches(kMet + 2));
  EXPECT_FALSE(launches(2));
  EXPECT_TRUE(launches(2));
}

class Captures : public ::testing::Test {
protected:
  static void SetUpTestSuite() { expected = staticLogits(dynamicModel()); }
  Captures() : disk(makeTinyDynamicPlan(dynamicModel())) {
    auto made = makeCpuBackend({2, 512});
    EXPECT_TRUE(made.isOk());
    backend = std::move(*made);
    executor = load();
  }
  ~Captures() override {
    setFaults("");
    EXPECT_TRUE(backend->checkGuards().isOk());
  }

  std::unique_ptr<Executor> load() {
    auto loaded = disk.load(*backend);
    EXPECT_TRUE(loaded.isOk()) << loaded.status().message();
    return std::move(*loaded);
  }

  /// What stderr gets while `run` runs.
  template <typename Run> static std::string said(Run run) {
    ::testing::internal::CaptureStderr();
    run();
    return ::testing::internal::GetCapturedStderr();
  }

  /// The graphs that a step launches.
  int64_t launched(const std::vector<Row> &rows,
                   const std::vector<int32_t> &logitRows) {
    EXPECT_TRUE(backend->startTrace().isOk());
    step(*executor, EntryPoint::Decode, rows, logitRows);
    auto spans = backend->takeTrace();
    EXPECT_TRUE(spans.isOk()) << spans.status().message();
    return std::count_if(spans->begin(), spans->end(), [](const auto &span) {
      return span.label.name == std::string_view("graph");
    });
  }

  static inline std::vector<std::vector<float>> expected;
  const std::vector<Row> two = {{1, 0, 0}, {2, 0, 1}}, one = {{1, 0, 0}};
  TinyOnDisk disk;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Executor> executor;
};

/// Each thing that a recording asks of the backend is refused once: the
/// beginning and the end of a graph, and whatever is to be in it.
TEST_F(Captures, AFailureAnywhereChangesNoBit) {
  int failures = 0;
  for (;;) {
    executor = load();
    setFaults("graph:" + std::to_string(failures + 1));
    const std::string lines =
        said([&] { EXPECT_EQ(runSteps(*executor), expected); });
    setFaults("");
    if (lines.empty())
      break;
    ++failures;
    ASSERT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
    ASSERT_EQ(lines.find("decode: no more graphs are captured, "), 0u) << lines;
    ASSERT_NE(lines.find("SLUICE_FAULT=graph refuses\n"), std::string::npos)
        << lines;
  }
  // Two pairs of row counts come back, each of three stretches of five launches
  // and more between a beginning and an end.
  EXPECT_GE(failures, 2 * 3 * (5 + 2));
}

TEST_F(Captures, EachEntryPointSaysItOnce) {
  setFaults("graph");
  const std::string lines = said([&] {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(runSteps(*executor), expected);
  });
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
  EXPECT_NE(lines.find("decode: no more graphs"), std::string::npos) << lines;
  EXPECT_NE(lines.find("prefill: no more graphs"), std::string::npos) << lines;
}

TEST_F(Captures, WhatWasCapturedBeforeAFailureIsUsed) {
  EXPECT_EQ(launched(two, {0, 1}), 0);
  EXPECT_EQ(launched(two, {0, 1}), 3);
  EXPECT_EQ(launched(one, {0}), 0);
  setFaults("graph");
  EXPECT_NE(said([&] { EXPECT_EQ(launched(one, {0}), 0); }), "");
  setFaults("");
  EXPECT_EQ(said([&] {
              EXPECT_EQ(launched(one, {0}), 0);
              EXPECT_EQ(launched(two, {0, 1}), 3);
            }),
            "");
}

} // namespace
