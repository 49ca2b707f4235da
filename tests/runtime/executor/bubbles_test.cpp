//===- bubbles_test.cpp - Idle time of traces worked out by hand ----------===//

#include "runtime/executor/bubbles.h"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

TraceSpan span(StreamKind stream, double start, double end,
               uint64_t bytes = 0) {
  return {{}, stream, start, end, bytes};
}

TEST(Bubbles, AreWhatTheBusiestEngineWaits) {
  EXPECT_FALSE(bubbleShare({}).has_value());
  // Compute 30 of 100; the bus 70, where demand and prefetch overlap by 10; a
  // copy back and a wait on a copy stream are no transfers of experts.
  const TraceSpan spans[] = {
      span(StreamKind::Compute, 0, 10),
      span(StreamKind::Demand, 5, 45, 100),
      span(StreamKind::Prefetch, 35, 65, 100),
      span(StreamKind::Demand, 66, 80),
      span(StreamKind::CopyBack, 70, 100, 100),
      span(StreamKind::Compute, 75, 95),
      span(StreamKind::Demand, 85, 95, 100),
  };
  EXPECT_DOUBLE_EQ(*bubbleShare(spans), 0.3);
}

TEST(Bubbles, HostWorkCountsAsAnEngine) {
  const TraceSpan spans[] = {span(StreamKind::Compute, 0, 10),
                             span(kHostTrack, 0, 90),
                             span(StreamKind::Compute, 90, 100)};
  EXPECT_NEAR(*bubbleShare(spans), 0.1, 1e-12);
}

TEST(Bubbles, ADiskCountsAsAnEngine) {
  const TraceSpan spans[] = {span(StreamKind::Compute, 0, 10),
                             span(kDiskTrack, 10, 90, 100),
                             span(StreamKind::Demand, 90, 100, 100)};
  EXPECT_NEAR(*bubbleShare(spans), 0.2, 1e-12);
}

} // namespace
