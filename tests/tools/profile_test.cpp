//===- profile_test.cpp - The figures of the host -------------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/sim/sim_backend.h"
#include "tests/runtime/io/temporary_directory.h"
#include "tools/sluice-profile/host.h"
#include "tools/sluice-profile/host_figures.h"
#include "tools/sluice-profile/host_jobs.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <set>

using namespace sluice;
using namespace sluice::tools;

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30, kMiB = uint64_t{1} << 20;

TEST(HostFigures, MemoryIsAQuarterWithinBounds) {
  EXPECT_EQ(measuredBytes(24 * kGiB, 0), 6 * kGiB);
  EXPECT_EQ(measuredBytes(128 * kGiB, 0), 32 * kGiB);
  EXPECT_EQ(measuredBytes(2048 * kGiB, 0), 32 * kGiB);
  EXPECT_EQ(measuredBytes(2 * kGiB, 0), kGiB);
}

TEST(HostFigures, MemoryIsThePlansWhereThereIsRoom) {
  EXPECT_EQ(measuredBytes(128 * kGiB, 54 * kGiB), 54 * kGiB);
  EXPECT_EQ(measuredBytes(64 * kGiB, 54 * kGiB), 48 * kGiB);
  // More than a cache holds in any case.
  EXPECT_EQ(measuredBytes(128 * kGiB, kMiB), kGiB);
  EXPECT_EQ(measuredBytes(kGiB, 54 * kGiB), kGiB);
}

TEST(HostFigures, MeansCountJitterButNoInterruption) {
  EXPECT_DOUBLE_EQ(meanUs({100}), 100);
  EXPECT_DOUBLE_EQ(meanUs({90, 100, 110, 140}), 110);
  EXPECT_DOUBLE_EQ(meanUs({9000, 90, 100, 110}), 100);
  EXPECT_DOUBLE_EQ(meanUs({100, 100, 300, 100}), 150); // thrice: still jitter
}

TEST(HostFigures, WhatIsLeftWithoutAPartStaysAboveNothing) {
  EXPECT_DOUBLE_EQ(withoutUs(100, 20), 80);
  EXPECT_DOUBLE_EQ(withoutUs(100, 99), 10);
  EXPECT_DOUBLE_EQ(withoutUs(100, 200), 10);
}

TEST(HostFigures, LinesMeetThePoints) {
  const Line exact =
      fitLine(std::array<Curve::Point, 3>{{{1, 100}, {2, 180}, {4, 340}}});
  EXPECT_NEAR(exact.at0, 20, 1e-9);
  EXPECT_NEAR(exact.each, 80, 1e-9);
  // Worked by hand: deviations +1, -2, +1 leave the slope and the mean.
  const Line near =
      fitLine(std::array<Curve::Point, 3>{{{1, 31}, {2, 38}, {3, 51}}});
  EXPECT_NEAR(near.at0, 20, 1e-9);
  EXPECT_NEAR(near.each, 10, 1e-9);
}

TEST(HostFigures, LinesNeverBeginBelowZero) {
  // The line itself is 60 x - 20.
  const Line line = fitLine(std::array<Curve::Point, 2>{{{1, 40}, {2, 100}}});
  EXPECT_EQ(line.at0, 0);
  EXPECT_NEAR(line.each, (40 + 2 * 100) / 5.0, 1e-9);
  // Nor fall: more experts do not take less.
  const Line falling =
      fitLine(std::array<Curve::Point, 2>{{{1, 100}, {2, 90}}});
  EXPECT_EQ(falling.at0, 0);
  EXPECT_NEAR(falling.each, (100 + 2 * 90) / 5.0, 1e-9);
}

TEST(HostFigures, JobAndCopiesEndTogether) {
  const auto pair = [](double bus, double experts) {
    const JobAndCopies size = shareEvenly({bus, experts});
    return std::pair(size.experts, size.copies);
  };
  EXPECT_EQ(pair(50, 100), std::pair(int64_t{4}, int64_t{2}));
  EXPECT_EQ(pair(100, 50), std::pair(int64_t{3}, int64_t{6}));
  EXPECT_EQ(pair(20, 100), std::pair(int64_t{5}, int64_t{1}));
  EXPECT_EQ(pair(40, 100), std::pair(int64_t{5}, int64_t{2}));
  // One copy is the least: the longest job comes nearest.
  EXPECT_EQ(pair(1, 100), std::pair(int64_t{6}, int64_t{1}));
}

/// The cost model's way: both at their common rates until one is done, then
/// the other at its own.
std::pair<Reader, Reader> readTogether(HostRates both, Reader bus,
                                       Reader experts) {
  const double first = std::min(bus.bytes / both.bus,
                                experts.bytes / both.experts); // ns
  bus.us = (first + (bus.bytes - first * both.bus) / bus.alone) / 1e3;
  experts.us =
      (first + (experts.bytes - first * both.experts) / experts.alone) / 1e3;
  return {bus, experts};
}

TEST(HostFigures, RatesWhileBothAreFoundWhoeverEndsFirst) {
  for (double copied : {1e6, 19e6, 80e6}) {
    const auto [bus, experts] =
        readTogether({45, 95}, {copied, 0, 55}, {38e6, 0, 115});
    const auto rates = ratesWhileBoth(bus, experts);
    ASSERT_TRUE(rates) << copied;
    EXPECT_NEAR(rates->bus, 45, 1e-6) << copied;
    EXPECT_NEAR(rates->experts, 95, 1e-6) << copied;
  }
}

TEST(HostFigures, NoRatesFromTimesThatFitNone) {
  // Alone for 900 us at 55 GB/s the bus would have moved more than it did.
  EXPECT_FALSE(ratesWhileBoth({19e6, 1000, 55}, {9e6, 100, 115}));
  EXPECT_FALSE(ratesWhileBoth({19e6, 1000, 55}, {9e6, 0, 115}));
}

TEST(HostJobs, EveryPlaceComesBeforeOneComesAgain) {
  constexpr int32_t kPlaces = 100;
  RandomPlaces places(kPlaces);
  std::vector<int32_t> first;
  for (int i = 0; i < kPlaces; ++i)
    first.push_back(places.next());
  EXPECT_EQ(std::set<int32_t>(first.begin(), first.end()).size(), 100u);
  EXPECT_EQ(*std::min_element(first.begin(), first.end()), 0);
  EXPECT_EQ(*std::max_element(first.begin(), first.end()), kPlaces - 1);
  int inOrder = 0;
  for (size_t i = 1; i < first.size(); ++i)
    inOrder += first[i] == first[i - 1] + 1;
  EXPECT_LT(inOrder, 10);
  EXPECT_EQ(places.next(), first[0]);
  RandomPlaces one(1);
  EXPECT_EQ(one.next(), 0);
  EXPECT_EQ(one.next(), 0);
}

constexpr ExpertShape kShape{.hidden = 256, .inner = 128};

/// A machine whose figures are known, for experts of kShape: bus alone 50 GB/s.
Hardware known() {
  Hardware hardware = builtInHardware();
  hardware.launchUs.value = 0.01;
  hardware.syncUs.value = 1;
  hardware.copyLatencyUs.value = 1; // of which most is learning of the end
  hardware.hostToDevice.points = {{double(kShape.bytes()), 50}};
  hardware.hostExpert.points = {{1, 100}, {2, 90}, {4, 60}, {5, 50},
                                {8, 30},  {9, 26}, {16, 15}};
  hardware.shared = {};
  hardware.hostJobUs = {};
  return hardware;
}

/// What profileHost finds on that machine, in its virtual time, where a copy's
/// latency was found to be `copyLatencyUs`.
Hardware profiled(const Hardware &machine, double copyLatencyUs = 1) {
  auto backend = makeSimBackend(machine);
  EXPECT_TRUE(backend.isOk());
  Hardware found = machine;
  found.copyLatencyUs.value = copyLatencyUs;
  found.hostExpert = {};
  found.hostJobUs = {};
  found.shared = {};
  Status status =
      profileHost(**backend, {.bytes = 16 * kMiB, .ms = 0.25}, kShape, found);
  EXPECT_TRUE(status.isOk()) << status.message();
  return found;
}

TEST(ProfileHost, FindsTheRatesOfJobsAndWhatAJobCosts) {
  Hardware machine = known();
  machine.hostJobUs = {20, "known"};
  machine.hostRead.value = 1000; // room for everything
  const Hardware found = profiled(machine);
  EXPECT_NEAR(found.hostJobUs.value, 20, 1e-6);
  ASSERT_EQ(found.hostExpert.points.size(), 7u);
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(found.hostExpert.points[i].x, machine.hostExpert.points[i].x);
    EXPECT_NEAR(found.hostExpert.points[i].y, machine.hostExpert.points[i].y,
                1e-6);
  }
}

/// Alone 50 GB/s of bus, and of experts 100, 90, 60, 30 and 15.
TEST(ProfileHost, FindsTheRatesOfBusAndExpertsAtOnce) {
  using Points = std::vector<SharedMemory::Point>;
  for (const Points &points : {Points{{1, {30, 80}},
                                      {2, {32, 75}},
                                      {4, {40, 45}},
                                      {8, {45, 28}},
                                      {16, {48, 14}}},
                               Points{{1, {45, 45}},
                                      {2, {45, 44}},
                                      {4, {20, 43}},
                                      {8, {50, 15}},
                                      {16, {50, 9}}}}) {
    Hardware machine = known();
    machine.shared = {points, 50, "known"};
    const SharedMemory found = profiled(machine).shared;
    EXPECT_NEAR(found.busAlone, 50, 1e-9);
    ASSERT_EQ(found.points.size(), points.size());
    for (size_t i = 0; i < points.size(); ++i) {
      const HostRates expected = points[i].both, both = found.points[i].both;
      EXPECT_EQ(found.points[i].rows, points[i].rows);
      EXPECT_NEAR(both.bus, expected.bus, 0.02 * expected.bus) << i;
      EXPECT_NEAR(both.experts, expected.experts, 0.02 * expected.experts) << i;
    }
    EXPECT_NE(found.source.find("15 MiB"), std::string::npos) << found.source;
  }
}

/// Where nothing can be said of a number of rows nothing is, and the others
/// stay. With so long a latency the copies are taken to have ended at once, and
/// a job that went on alone from there would have been done sooner, if it was
/// not as fast beside them.
TEST(ProfileHost, LeavesOutRowsWhoseTimesFitNoRates) {
  Hardware machine = known();
  machine.shared = {
      {{1, {45, 30}}, {2, {45, 30}}, {4, {45, 30}}, {8, {45, 30}}}, 50, "t"};
  const SharedMemory found = profiled(machine, 1e6).shared;
  ASSERT_EQ(found.points.size(), 2u);
  EXPECT_EQ(found.points[0].rows, 8);
  EXPECT_NEAR(found.points[0].both.experts, 30, 0.02 * 30);
  EXPECT_EQ(found.points[1].rows, 16);
  EXPECT_NEAR(found.points[1].both.experts, 15, 0.02 * 15);
  for (SharedMemory::Point &point : machine.shared.points)
    point.both.experts = 10;
  EXPECT_TRUE(profiled(machine, 1e6).shared.points.empty());
}

TEST(ProfileHost, MeasuresTheCpuAndWritesWhatCanBeRead) {
  auto backend = makeCpuBackend({.threads = 2});
  ASSERT_TRUE(backend.isOk());
  Hardware found = builtInHardware();
  Status status =
      profileHost(**backend, {.bytes = 64 * kMiB, .ms = 0.25}, kShape, found);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(found.hostRead.source.rfind("measured by sluice-profile", 0), 0u);
  for (const char *kind :
       {"jobs of 4 experts take ", "jobs of 32 experts take "}) {
    double read = 0, computed = 0;
    const size_t at = found.hostRead.source.find(kind);
    ASSERT_NE(at, std::string::npos) << found.hostRead.source;
    ASSERT_EQ(
        std::sscanf(found.hostRead.source.c_str() + at + std::strlen(kind),
                    "%lf us when they are only read, %lf us", &read, &computed),
        2);
    EXPECT_GT(read, 0);
    EXPECT_GT(computed, 0);
  }
  EXPECT_GT(found.hostRead.value, 0);
  ASSERT_EQ(found.hostExpert.points.size(), 7u);
  EXPECT_NE(found.hostExpert.source.find("random places"), std::string::npos);
  EXPECT_TRUE(found.shared.points.empty()); // there is no bus
  auto again = parseHardware(printHardware(found), "found");
  ASSERT_TRUE(again.isOk()) << again.status().message();
  EXPECT_EQ(again->hostExpert.points.size(), 7u);
}

TEST(ProfileHost, SaysWhenAnExpertDoesNotFit) {
  auto backend = makeCpuBackend({.threads = 1});
  ASSERT_TRUE(backend.isOk());
  Hardware found = builtInHardware();
  Status status =
      profileHost(**backend, {.bytes = 1000, .ms = 1}, kShape, found);
  ASSERT_FALSE(status.isOk());
  EXPECT_EQ(status.code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(status.message(),
            "--host-memory: 1000 bytes, expected room for one expert of 196608 "
            "at least");
}

/// What cannot be measured is left as it was, with words.
TEST(ProfileDisk, SaysWhyItIsNotMeasured) {
  const sluice::testing::TemporaryDirectory work;
  Hardware found = builtInHardware();
  EXPECT_EQ(profileDisk(work.file("none"), found),
            work.file("none") +
                ": cannot open for direct reads: No such file or directory");
  // Where the file system has no direct reads, that is why.
  work.write("small", "", 3 * kMiB);
  const std::string why = profileDisk(work.file("small"), found);
  EXPECT_TRUE(why.find(": found 3145728 bytes, expected 67108864 or more") !=
                  std::string::npos ||
              why.find("Invalid argument") != std::string::npos)
      << why;
  EXPECT_EQ(found.diskRead.value, builtInHardware().diskRead.value);
  EXPECT_EQ(found.diskRead.source, builtInHardware().diskRead.source);
}

TEST(ProfileDisk, MeasuresALargeFile) {
  const sluice::testing::TemporaryDirectory work;
  work.write("large", "", 64 * kMiB);
  Hardware found = builtInHardware();
  const std::string why = profileDisk(work.file("large"), found);
  // Where the folder's file system has no direct reads it says so, and the
  // figure stays.
  if (why.find("Invalid argument") != std::string::npos) {
    EXPECT_EQ(why, work.file("large") +
                       ": cannot open for direct reads: Invalid argument");
    EXPECT_EQ(found.diskRead.value, builtInHardware().diskRead.value);
    return;
  }
  EXPECT_EQ(why, "");
  EXPECT_GT(found.diskRead.value, 0);
  EXPECT_EQ(found.diskRead.source,
            "measured by sluice-profile: " + work.file("large"));
}

} // namespace
