//===- bind_reports_test.cpp - What the driving thread waits for ----------===//

#include "runtime/executor/bind_reports.h"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

constexpr auto kCompute = StreamKind::Compute;
constexpr auto kDevice = MemoryKind::Device;
constexpr auto kHost = MemoryKind::Host;

class BindReports : public ::testing::Test {
protected:
  static GraphBeginStep begin() { return {kCompute, 0, 0}; }
  LaunchStep launch() { return {kCompute, "add", -1, {}, nullptr, {}}; }
  CopyStep copy(int to, int from, MemoryKind target = kHost,
                StreamKind stream = kCompute, bool recording = false) {
    return {stream,        plan::fb::RowKind::Rows,
            recording,     target,
            kDevice,       &bytes[to],
            &bytes[from],  4,
            &bytes[to] + 2};
  }
  /// The steps as letters: Launch, Copy, Record, Wait, rePort, (, ).
  static std::string shape(const std::vector<Step> &steps) {
    std::string letters;
    for (const Step &step : steps)
      letters += "LCRWP()"[step.index()];
    return letters;
  }

  char bytes[16] = {};
};

TEST_F(BindReports, CopiesAndTheirRecordAreOne) {
  std::vector<Step> steps = {begin(),        launch(),
                             copy(0, 1),     copy(2, 3),
                             GraphEndStep(), RecordStep{kCompute, 7},
                             launch()};
  bindReports(steps);
  ASSERT_EQ(shape(steps), "(LP)L");
  const auto &report = std::get<ReportStep>(steps[2]);
  EXPECT_EQ(report.stream, kCompute);
  EXPECT_EQ(report.event, 7U);
  ASSERT_EQ(report.count, 2U);
  EXPECT_EQ(report.copies[0].target, &bytes[0]);
  EXPECT_EQ(report.copies[1].source, &bytes[3]);
}

TEST_F(BindReports, TheLastCopiesAlone) {
  std::vector<Step> steps = {begin(),        copy(0, 1),
                             copy(2, 3),     copy(4, 5),
                             GraphEndStep(), RecordStep{kCompute, 0}};
  bindReports(steps);
  ASSERT_EQ(shape(steps), "(CP)");
  EXPECT_EQ(std::get<CopyStep>(steps[1]).target, &bytes[0]);
  EXPECT_EQ(std::get<ReportStep>(steps[2]).copies[0].target, &bytes[2]);
  EXPECT_EQ(std::get<ReportStep>(steps[2]).copies[1].target, &bytes[4]);
}

TEST_F(BindReports, WhatIsNoSuchEndStays) {
  const RecordStep record{kCompute, 3};
  const std::vector<Step> others[] = {
      {begin(), launch(), GraphEndStep(), record},
      {begin(), copy(0, 1), launch(), GraphEndStep(), record},
      {begin(), copy(0, 1, kDevice), GraphEndStep(), record},
      {begin(), copy(0, 1, kHost, StreamKind::CopyBack), GraphEndStep(),
       record},
      {begin(), copy(0, 1, kHost, kCompute, true), GraphEndStep(), record},
      {begin(), copy(0, 1), GraphEndStep(), launch(), record},
      {begin(), copy(0, 1), GraphEndStep()},
      {copy(0, 1), record},
      // A stream waits for the event, whichever step that is.
      {begin(), copy(0, 1), GraphEndStep(), record,
       WaitStep{StreamKind::Demand, 3}},
      {WaitStep{StreamKind::Demand, 3}, begin(), copy(0, 1), GraphEndStep(),
       record},
  };
  for (const std::vector<Step> &before : others) {
    std::vector<Step> after = before;
    bindReports(after);
    EXPECT_EQ(shape(after), shape(before));
  }
}

/// The later copy's bytes count where both write.
TEST_F(BindReports, CopiesToTheSamePlaceStayInOrder) {
  std::vector<Step> steps = {begin(), copy(0, 4), copy(1, 6), GraphEndStep(),
                             RecordStep{kCompute, 0}};
  bindReports(steps);
  ASSERT_EQ(shape(steps), "(CP)");
  EXPECT_EQ(std::get<CopyStep>(steps[1]).target, &bytes[0]);
  EXPECT_EQ(std::get<ReportStep>(steps[2]).copies[0].target, &bytes[1]);
}

TEST_F(BindReports, EachStretchForItself) {
  std::vector<Step> steps = {
      begin(), copy(0, 1), GraphEndStep(), RecordStep{kCompute, 1},
      begin(), launch(),   GraphEndStep(), RecordStep{kCompute, 2},
      begin(), copy(2, 3), GraphEndStep(), RecordStep{kCompute, 3}};
  bindReports(steps);
  ASSERT_EQ(shape(steps), "(P)(L)R(P)");
  EXPECT_EQ(std::get<ReportStep>(steps[1]).event, 1U);
  EXPECT_EQ(std::get<ReportStep>(steps[8]).event, 3U);
}

} // namespace
