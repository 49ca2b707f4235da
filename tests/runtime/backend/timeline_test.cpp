//===- timeline_test.cpp - Timelines worked out by hand -------------------===//

#include "runtime/backend/sim/timeline.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <ostream>
#include <vector>

using namespace sluice::sim;

namespace {

constexpr int kCompute = 0, kDemand = 1, kPrefetch = 2, kCopyBack = 3;

struct Span {
  int stream;
  uint64_t tag;
  double start, end;
  bool operator==(const Span &) const = default;
};
std::ostream &operator<<(std::ostream &out, const Span &span) {
  return out << "stream " << span.stream << " work " << span.tag << " ["
             << span.start << ", " << span.end << ")";
}

/// Work whose tag is its duration.
class TimelineTest : public ::testing::Test, public WorkRunner {
protected:
  Cost begin(const Work &work) override { return {double(work.tag), 1}; }
  void ran(int stream, const Work &work, double start, double end) override {
    spans.push_back({stream, work.tag, start, end});
  }
  Slowdown together(double, double) override { return {2, 1.6}; }
  void moved(int stream, double saidStart, double start, double end) override {
    auto span = std::find_if(spans.begin(), spans.end(), [&](const Span &one) {
      return one.stream == stream && one.start == saidStart;
    });
    ASSERT_NE(span, spans.end()) << "no span to move";
    span->start = start;
    span->end = end;
  }
  void SetUp() override { timeline.reserveEvents(8); }

  void kernel(int stream, uint64_t us, double now) {
    timeline.enqueue(stream, {Engine::None, us}, now);
  }
  void upload(int stream, uint64_t us, double now) {
    timeline.enqueue(stream, {Engine::ToDevice, us}, now);
  }
  std::vector<Span> all() {
    for (int stream = 0; stream < Timeline::kStreams; ++stream)
      timeline.finishStream(stream);
    return spans;
  }

  Timeline timeline{*this};
  std::vector<Span> spans;
};

using Spans = std::vector<Span>;

TEST_F(TimelineTest, StreamsRunSideBySideAndEachInOrder) {
  kernel(kCompute, 10, 1);
  kernel(kCompute, 20, 2);
  kernel(kPrefetch, 5, 3);
  kernel(kCompute, 1, 50); // The stream is idle from 31 on.
  EXPECT_EQ(all(), (Spans{{kCompute, 10, 1, 11},
                          {kPrefetch, 5, 3, 8},
                          {kCompute, 20, 11, 31},
                          {kCompute, 1, 50, 51}}));
  EXPECT_EQ(timeline.finishStream(kCompute), 51);
}

TEST_F(TimelineTest, OneCopyADirectionAtATime) {
  upload(kDemand, 20, 0);
  upload(kPrefetch, 30, 5);
  timeline.enqueue(kCopyBack, {Engine::ToHost, 7}, 6); // The other way.
  kernel(kCompute, 9, 7);
  EXPECT_EQ(all(), (Spans{{kDemand, 20, 0, 20},
                          {kPrefetch, 30, 20, 50},
                          {kCopyBack, 7, 6, 13},
                          {kCompute, 9, 7, 16}}));
}

TEST_F(TimelineTest, TheBusServesWhoIsReadyFirst) {
  // Enqueued first, but it waits for the kernel until 30.
  kernel(kCompute, 30, 0);
  timeline.record(kCompute, 0, 0);
  timeline.wait(kPrefetch, 0, 1);
  upload(kPrefetch, 100, 1);
  upload(kDemand, 20, 5);
  upload(kDemand, 40, 6);
  EXPECT_EQ(all(), (Spans{{kCompute, 30, 0, 30},
                          {kDemand, 20, 5, 25},
                          {kDemand, 40, 25, 65},
                          {kPrefetch, 100, 65, 165}}));
}

TEST_F(TimelineTest, ADemandOvertakesPrefetchesThatHaveNotStarted) {
  upload(kPrefetch, 100, 0); // Runs, and is not interrupted.
  upload(kPrefetch, 100, 0); // Is ready when the first is over.
  upload(kDemand, 10, 20);
  EXPECT_EQ(all(), (Spans{{kPrefetch, 100, 0, 100},
                          {kDemand, 10, 100, 110},
                          {kPrefetch, 100, 110, 210}}));
}

TEST_F(TimelineTest, DemandGoesFirstWhenBothAreReadyAtOnce) {
  upload(kPrefetch, 10, 5);
  upload(kDemand, 10, 5);
  EXPECT_EQ(all(), (Spans{{kDemand, 10, 5, 15}, {kPrefetch, 10, 15, 25}}));
}

TEST_F(TimelineTest, AWaitMeansTheRecordBeforeIt) {
  kernel(kCompute, 10, 0);
  timeline.record(kCompute, 3, 0);
  timeline.wait(kDemand, 3, 0);
  kernel(kCompute, 10, 0);
  timeline.record(kCompute, 3, 0);
  timeline.wait(kPrefetch, 3, 0);
  kernel(kDemand, 1, 0);
  kernel(kPrefetch, 2, 0);
  timeline.wait(kCopyBack, 7, 0); // Never recorded: waits for nothing.
  kernel(kCopyBack, 3, 0);
  EXPECT_EQ(all(), (Spans{{kCompute, 10, 0, 10},
                          {kCopyBack, 3, 0, 3},
                          {kCompute, 10, 10, 20},
                          {kDemand, 1, 10, 11},
                          {kPrefetch, 2, 20, 22}}));
}

TEST_F(TimelineTest, AWaitForThePastCostsNothing) {
  kernel(kCompute, 10, 0);
  timeline.record(kCompute, 0, 0);
  EXPECT_EQ(timeline.finishEvent(0), 10);
  timeline.wait(kDemand, 0, 40);
  kernel(kDemand, 5, 41);
  EXPECT_EQ(all().back(), (Span{kDemand, 5, 41, 46}));
}

TEST_F(TimelineTest, AChainOverAllStreams) {
  for (int hop = 0; hop < 40; ++hop) { // Events are used again and again.
    int stream = hop % 4;
    if (hop > 0)
      timeline.wait(stream, hop % 2, hop);
    kernel(stream, 100, hop);
    timeline.record(stream, (hop + 1) % 2, hop);
  }
  Spans found = all();
  ASSERT_EQ(found.size(), 40u);
  for (int hop = 0; hop < 40; ++hop)
    EXPECT_EQ(found[hop], (Span{hop % 4, 100, hop * 100.0, hop * 100.0 + 100}));
}

TEST_F(TimelineTest, LookingDoesNotChangeWhatHappens) {
  auto enqueueAll = [](Timeline &timeline, bool look) {
    for (int i = 0; i < 50; ++i) {
      double now = i * 3;
      timeline.enqueue(kPrefetch, {Engine::ToDevice, uint64_t(11 + i % 5)},
                       now);
      if (i % 3 == 0) {
        timeline.record(kPrefetch, 1, now);
        timeline.wait(kCompute, 1, now);
      }
      timeline.enqueue(kDemand, {Engine::ToDevice, uint64_t(1 + i % 4)}, now);
      timeline.enqueue(kCompute, {Engine::None, 2}, now);
      if (look)
        timeline.advanceTo(now);
    }
  };
  enqueueAll(timeline, false);
  Spans once = all();
  spans.clear();
  Timeline watched(*this);
  watched.reserveEvents(8);
  enqueueAll(watched, true);
  for (int stream = 0; stream < Timeline::kStreams; ++stream)
    watched.finishStream(stream);
  EXPECT_EQ(spans, once);
}

//===-- The host's job: copies beside it take twice as long, it 1.6 times -===//

TEST_F(TimelineTest, AJobAloneTakesItsTime) {
  kernel(kCompute, 500, 0);
  timeline.enqueue(kCopyBack, {Engine::ToHost, 70}, 0);
  timeline.startJob({100, 1}, 10);
  EXPECT_EQ(timeline.finishJob(), 110);
  EXPECT_EQ(all(), (Spans{{kCompute, 500, 0, 500}, {kCopyBack, 70, 0, 70}}));
}

TEST_F(TimelineTest, AJobIsGivenLess) {
  timeline.startJob({100, 1}, 10);
  EXPECT_EQ(timeline.shortenJob(30, 40), 30); // 30 are done, 40 left.
  EXPECT_EQ(timeline.shortenJob(0, 50), 0);
  EXPECT_EQ(timeline.finishJob(), 80);
  timeline.startJob({100, 1}, 100);
  EXPECT_EQ(timeline.shortenJob(1000, 160), 40); // All that was left.
  EXPECT_EQ(timeline.finishJob(), 160);
  EXPECT_EQ(timeline.shortenJob(5, 170), 0); // There is none.
}

TEST_F(TimelineTest, ACopyBesideAJob) {
  timeline.startJob({100, 1}, 0);
  // The job has 90 left; 40 beside the copy do 25 of them: 65 are left at 50.
  upload(kDemand, 20, 10);
  kernel(kCompute, 7, 10);
  EXPECT_EQ(timeline.finishJob(), 115);
  EXPECT_EQ(all(), (Spans{{kCompute, 7, 10, 17}, {kDemand, 20, 10, 50}}));
}

TEST_F(TimelineTest, ACopyOutlivesTheJob) {
  timeline.startJob({30, 1}, 0);
  // The job has 20 left, which take 32; the copy does 16 of 60 by then.
  upload(kDemand, 60, 10);
  upload(kDemand, 5, 11);
  EXPECT_EQ(timeline.finishJob(), 42);
  EXPECT_EQ(all(), (Spans{{kDemand, 60, 10, 86}, {kDemand, 5, 86, 91}}));
}

TEST_F(TimelineTest, AJobMeetsACopyOnTheWire) {
  upload(kDemand, 100, 0);
  timeline.record(kDemand, 0, 0);
  timeline.wait(kCompute, 0, 0);
  kernel(kCompute, 5, 0);
  timeline.advanceTo(39);
  EXPECT_EQ(spans, (Spans{{kDemand, 100, 0, 100}}));
  // 10 take 16: until 56 the copy does 8 of its 60, and then 52.
  timeline.startJob({10, 1}, 40);
  EXPECT_EQ(timeline.finishJob(), 56);
  EXPECT_EQ(timeline.finishEvent(0), 108);
  // The next job finds it too: 20 take 32, in which it does 16 of 44.
  timeline.startJob({20, 1}, 64);
  EXPECT_EQ(timeline.finishJob(), 96);
  EXPECT_EQ(timeline.finishStream(kDemand), 124);
}

TEST_F(TimelineTest, AJobMeetsCopiesThatWaitForTheWire) {
  upload(kDemand, 100, 0);
  upload(kPrefetch, 50, 5);
  timeline.advanceTo(6);
  EXPECT_EQ(spans, (Spans{{kDemand, 100, 0, 100}, {kPrefetch, 50, 100, 150}}));
  // 80 left of the first take 160, the second 100; the job has done 260 / 1.6.
  timeline.startJob({1000, 1}, 20);
  EXPECT_EQ(timeline.finishJob(), 20 + 260 + (1000 - 162.5));
  EXPECT_EQ(all(), (Spans{{kDemand, 100, 0, 180}, {kPrefetch, 50, 180, 280}}));
}

TEST_F(TimelineTest, WhatWaitsForASlowedCopyWaitsLonger) {
  upload(kDemand, 100, 0);
  timeline.record(kDemand, 0, 0);
  timeline.wait(kCompute, 0, 0);
  kernel(kCompute, 5, 0);
  upload(kDemand, 10, 1);
  timeline.startJob({25, 1}, 20); // 40 long: the copy does 20 of 80.
  EXPECT_EQ(timeline.finishJob(), 60);
  EXPECT_EQ(all(), (Spans{{kDemand, 100, 0, 120},
                          {kCompute, 5, 120, 125},
                          {kDemand, 10, 120, 130}}));
}

// Of the job 98 are left at 2 and 79.25 at 32, when the copy is over. What
// waits for it begins at its end, although the host looks away, and not behind
// the next job.
TEST_F(TimelineTest, AStreamWaitsForAJob) {
  timeline.startJob({100, 1}, 0);
  timeline.waitForJob(kCompute, 1);
  kernel(kCompute, 5, 1);
  upload(kDemand, 15, 2);
  timeline.advanceTo(500);
  EXPECT_EQ(spans, (std::vector<Span>{{kDemand, 15, 2, 32},
                                      {kCompute, 5, 111.25, 116.25}}));
  EXPECT_EQ(timeline.finishJob(), 111.25);

  timeline.startJob({10, 1}, 500);
  kernel(kCompute, 300, 500);
  timeline.waitForJob(kCompute, 500);
  kernel(kCompute, 7, 500);
  EXPECT_EQ(timeline.finishJob(), 510);
  timeline.startJob({1000, 1}, 600);
  EXPECT_EQ(timeline.finishStream(kCompute), 807);
  timeline.waitForJob(kCopyBack, 600);
  kernel(kCopyBack, 1, 600);
  EXPECT_EQ(timeline.finishStream(kCopyBack), 1601);
  EXPECT_EQ(timeline.finishJob(), 1600);
  timeline.waitForJob(kCompute, 1600, 50); // There is none.
  kernel(kCompute, 1, 1600);
  EXPECT_EQ(timeline.finishStream(kCompute), 1601);
}

// What it does meanwhile hides the time in which it would see the end.
TEST_F(TimelineTest, AStreamSeesTheEndOfAJobLater) {
  timeline.startJob({100, 1}, 0);
  timeline.waitForJob(kCompute, 0, 7);
  kernel(kCompute, 1, 0);
  kernel(kCopyBack, 104, 0);
  timeline.waitForJob(kCopyBack, 0, 7);
  kernel(kCopyBack, 1, 0);
  kernel(kPrefetch, 120, 0);
  timeline.waitForJob(kPrefetch, 0, 7);
  kernel(kPrefetch, 1, 0);
  EXPECT_EQ(timeline.finishJob(), 100);
  EXPECT_EQ(timeline.finishStream(kCompute), 108);
  EXPECT_EQ(timeline.finishStream(kCopyBack), 108);
  EXPECT_EQ(timeline.finishStream(kPrefetch), 121);
}

TEST_F(TimelineTest, LookingDoesNotChangeJobs) {
  auto run = [this](bool look) {
    spans.clear();
    Timeline timeline(*this);
    timeline.reserveEvents(8);
    std::vector<double> ends;
    double now = 0;
    for (int i = 0; i < 60; ++i, now += 5) {
      timeline.enqueue(i % 3 == 0 ? kPrefetch : kDemand,
                       {Engine::ToDevice, uint64_t(1 + i % 7)}, now);
      timeline.record(kDemand, 2, now);
      timeline.wait(kCompute, 2, now);
      timeline.enqueue(kCompute, {Engine::None, 3}, now);
      if (look)
        timeline.advanceTo(now);
      if (i % 4 == 1)
        timeline.startJob({double(2 + i % 5), 1}, now);
      if (look)
        timeline.advanceTo(now);
      if (i % 4 == 3) {
        ends.push_back(timeline.finishJob());
        now = std::max(now, ends.back());
      }
    }
    for (int stream = 0; stream < Timeline::kStreams; ++stream)
      timeline.finishStream(stream);
    return ends;
  };
  const std::vector<double> ends = run(false);
  const Spans once = spans;
  EXPECT_EQ(run(true), ends);
  EXPECT_EQ(spans, once);
}

TEST_F(TimelineTest, TheHostSeesOnlyWhatHasHappened) {
  kernel(kCompute, 10, 0);
  timeline.record(kCompute, 0, 0);
  kernel(kCompute, 10, 0);
  EXPECT_TRUE(timeline.reached(5, 0)) << "never recorded";
  timeline.advanceTo(9);
  EXPECT_FALSE(timeline.reached(0, 9));
  timeline.advanceTo(10);
  EXPECT_TRUE(timeline.reached(0, 10));
  EXPECT_EQ(timeline.finishEvent(0), 10);
  EXPECT_EQ(timeline.finishEvent(5), 0);
}

} // namespace
