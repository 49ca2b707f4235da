//===- hazards_test.cpp - The race detector alone -------------------------===//

#include "runtime/plan/hazards.h"

#include <gtest/gtest.h>

using namespace sluice::plan;

namespace {

using Kind = HazardStep::Kind;

/// Writes schedules step by step. Buffers are 64 bytes of arena 0, one after
/// the other, unless a test says otherwise.
class Hazards : public ::testing::Test {
protected:
  uint32_t buffer(bool preset = false, bool kept = false) {
    return range(schedule.buffers.size() * 64, 64, preset, kept);
  }
  uint32_t range(uint64_t offset, uint64_t bytes, bool preset = false,
                 bool kept = false) {
    schedule.buffers.push_back({0, offset, bytes, preset, kept});
    return schedule.buffers.size() - 1;
  }
  static HazardAccess reads(uint32_t buffer) {
    return {buffer, 0, 64, true, false};
  }
  static HazardAccess writes(uint32_t buffer) {
    return {buffer, 0, 64, false, true};
  }
  static HazardAccess updates(uint32_t buffer) {
    return {buffer, 0, 64, true, true};
  }
  /// Appends a step; returns its index.
  uint32_t step(Kind kind, uint8_t stream, uint32_t event,
                std::initializer_list<HazardAccess> accesses) {
    schedule.steps.push_back({kind, stream, event,
                              uint32_t(schedule.accesses.size()),
                              uint32_t(accesses.size())});
    schedule.accesses.insert(schedule.accesses.end(), accesses);
    return schedule.steps.size() - 1;
  }
  uint32_t work(uint8_t stream, std::initializer_list<HazardAccess> accesses) {
    return step(Kind::Work, stream, 0, accesses);
  }
  uint32_t record(uint8_t stream, uint32_t event) {
    schedule.events = std::max(schedule.events, event + 1);
    return step(Kind::Record, stream, event, {});
  }
  uint32_t wait(uint8_t stream, uint32_t event) {
    schedule.events = std::max(schedule.events, event + 1);
    return step(Kind::Wait, stream, event, {});
  }
  uint32_t host(Kind kind, std::initializer_list<HazardAccess> accesses,
                uint32_t event = 0) {
    return step(kind, 0, event, accesses);
  }

  uint32_t joinWorker(uint8_t stream) {
    return step(Kind::Join, stream, 0, {});
  }

  void expectNone() {
    auto found = findHazard(schedule);
    EXPECT_FALSE(found) << describe(found->kind) << " in step " << found->step;
  }
  /// The first hazard is `kind` in `step`, against `other`.
  void expect(Hazard::Kind kind, uint32_t step, uint32_t other = kNoStep) {
    auto found = findHazard(schedule);
    ASSERT_TRUE(found) << "expected: " << describe(kind);
    EXPECT_EQ(found->kind, kind) << describe(found->kind);
    EXPECT_EQ(found->step, step);
    EXPECT_EQ(found->other, other);
  }

  Schedule schedule;
};

TEST_F(Hazards, OneStreamIsInOrder) {
  uint32_t a = buffer(), b = buffer();
  work(0, {writes(a)});
  work(0, {reads(a), writes(b)});
  work(0, {updates(b), writes(a)});
  expectNone();
}

TEST_F(Hazards, NothingAtAll) { expectNone(); }

TEST_F(Hazards, AnEventOrdersTwoStreams) {
  uint32_t a = buffer();
  work(0, {writes(a)});
  record(0, 0);
  wait(1, 0);
  work(1, {reads(a)});
  expectNone();
}

TEST_F(Hazards, AReadRacesWithAWrite) {
  uint32_t a = buffer();
  uint32_t first = work(0, {writes(a)});
  expect(Hazard::Kind::Race, work(1, {reads(a)}), first);
}

TEST_F(Hazards, AWriteRacesWithAWrite) {
  uint32_t a = buffer();
  uint32_t first = work(0, {writes(a)});
  expect(Hazard::Kind::Race, work(1, {writes(a)}), first);
}

TEST_F(Hazards, AWriteRacesWithAReadOfAnyStream) {
  uint32_t a = buffer(true);
  work(0, {reads(a)});
  uint32_t second = work(1, {reads(a)});
  record(0, 0);
  wait(2, 0);
  expect(Hazard::Kind::Race, work(2, {writes(a)}), second);
}

TEST_F(Hazards, ReadsDoNotRace) {
  uint32_t a = buffer(true);
  for (uint8_t stream = 0; stream < kStreamCount; ++stream)
    work(stream, {reads(a)});
  expectNone();
}

TEST_F(Hazards, AnEventSaysNothingOfWhatCameAfterIt) {
  uint32_t a = buffer();
  work(0, {writes(a)});
  record(0, 0);
  uint32_t later = work(0, {writes(a)});
  wait(1, 0);
  expect(Hazard::Kind::Race, work(1, {reads(a)}), later);
}

TEST_F(Hazards, OrderIsPassedOn) {
  uint32_t a = buffer();
  work(0, {writes(a)});
  record(0, 0);
  wait(1, 0);
  record(1, 1);
  wait(2, 1);
  work(2, {writes(a)});
  expectNone();
}

TEST_F(Hazards, AnEventIsRecordedOnceAndFirst) {
  record(0, 0);
  expect(Hazard::Kind::RecordedTwice, record(1, 0));
  schedule = {};
  expect(Hazard::Kind::WaitBeforeRecord, wait(0, 0));
  schedule = {};
  schedule.events = 1;
  expect(Hazard::Kind::WaitBeforeRecord, host(Kind::HostWait, {}));
}

TEST_F(Hazards, OneStepDoesNotAlias) {
  uint32_t a = range(0, 64, true), b = range(32, 64);
  expect(Hazard::Kind::Aliasing, work(0, {reads(a), writes(b)}), 0);
  schedule = {};
  a = buffer(true);
  work(0, {reads(a), reads(a)});
  expectNone();
}

TEST_F(Hazards, WhatIsReadWasWritten) {
  uint32_t a = buffer();
  expect(Hazard::Kind::ReadBeforeWrite, work(0, {reads(a)}));
  schedule = {};
  a = buffer();
  work(0, {{a, 0, 32, false, true}});
  expect(Hazard::Kind::ReadBeforeWrite, work(0, {reads(a)}));
}

TEST_F(Hazards, WhatIsReadIsStillThere) {
  uint32_t a = range(0, 64), b = range(32, 64);
  work(0, {writes(a)});
  uint32_t over = work(0, {writes(b)});
  expect(Hazard::Kind::Overwritten, work(0, {reads(a)}), over);
}

TEST_F(Hazards, LifetimesMayFollowEachOther) {
  uint32_t a = range(0, 64), b = range(32, 64);
  work(0, {writes(a)});
  work(0, {reads(a)});
  work(0, {writes(b)});
  work(0, {reads(b)});
  expectNone();
}

TEST_F(Hazards, ArenasAreApart) {
  schedule.buffers = {{0, 0, 64, false, false}, {1, 0, 64, false, false}};
  work(0, {writes(0)});
  work(1, {writes(1)});
  work(0, {reads(0)});
  expectNone();
}

TEST_F(Hazards, PresetBuffersDoNotOverlap) {
  range(0, 64, true);
  range(63, 64, true);
  expect(Hazard::Kind::Overlap, kNoStep);
}

TEST_F(Hazards, KeptBuffersKeepTheirData) {
  range(0, 64, true, true);
  uint32_t over = range(32, 64);
  uint32_t at = work(0, {writes(over)});
  expect(Hazard::Kind::Lost, kNoStep, at);
  schedule = {};
  range(0, 64, false, true);
  expect(Hazard::Kind::Lost, kNoStep);
}

TEST_F(Hazards, AHostWaitIsAWaitOfEveryStream) {
  uint32_t a = buffer();
  work(0, {writes(a)});
  record(0, 0);
  host(Kind::HostWait, {reads(a)}, 0);
  for (uint8_t stream = 1; stream < kStreamCount; ++stream)
    work(stream, {reads(a)});
  expectNone();
}

TEST_F(Hazards, TheHostReadsOnlyWhatItWaitedFor) {
  uint32_t a = buffer(), b = buffer();
  work(0, {writes(a)});
  record(0, 0);
  uint32_t later = work(0, {writes(b)});
  expect(Hazard::Kind::Race, host(Kind::HostWait, {reads(a), reads(b)}, 0),
         later);
}

TEST_F(Hazards, AHostWaitSaysNothingOfWhatCameAfterTheEvent) {
  uint32_t a = buffer();
  record(0, 0);
  uint32_t later = work(0, {writes(a)});
  host(Kind::HostWait, {}, 0);
  expect(Hazard::Kind::Race, work(1, {reads(a)}), later);
}

TEST_F(Hazards, WhatTheHostReadMayBeOverwrittenAtOnce) {
  uint32_t a = buffer();
  work(0, {writes(a)});
  record(0, 0);
  host(Kind::HostWait, {reads(a)}, 0);
  work(1, {writes(a)});
  expectNone();
}

TEST_F(Hazards, WhatTheHostWroteIsThereForEveryStream) {
  uint32_t a = buffer();
  host(Kind::Host, {writes(a)});
  work(2, {reads(a)});
  expectNone();
}

TEST_F(Hazards, TheHostDoesNotWriteUnderAStream) {
  uint32_t a = buffer(true);
  uint32_t reader = work(3, {reads(a)});
  expect(Hazard::Kind::Race, host(Kind::Host, {writes(a)}), reader);
  schedule.steps.pop_back();
  record(3, 0);
  host(Kind::HostWait, {writes(a)}, 0);
  expectNone();
}

TEST_F(Hazards, TheWorkerRunsUntilItIsJoined) {
  uint32_t in = buffer(), out = buffer();
  work(0, {writes(in)});
  record(0, 0);
  host(Kind::HostWait, {}, 0);
  host(Kind::HostWork, {reads(in), writes(out)});
  joinWorker(0);
  work(0, {reads(out), writes(in)});
  expectNone();
}

// A join is seen by its stream, and by whoever waits for that.
TEST_F(Hazards, AJoinSaysNothingToOthers) {
  uint32_t in = buffer(true);
  uint32_t job = host(Kind::HostWork, {reads(in)});
  joinWorker(0);
  expect(Hazard::Kind::Race, work(1, {writes(in)}), job);
  schedule.steps.pop_back();
  expect(Hazard::Kind::Race, host(Kind::Host, {writes(in)}), job);
  schedule.steps.pop_back();
  record(0, 0);
  wait(1, 0);
  work(1, {writes(in)});
  expectNone();
}

TEST_F(Hazards, TheHostLearnsOfAJoinByItsStream) {
  uint32_t in = buffer(true);
  host(Kind::HostWork, {reads(in)});
  joinWorker(0);
  record(0, 0);
  host(Kind::HostWait, {writes(in)}, 0);
  host(Kind::HostWork, {reads(in)});
  expectNone();
}

TEST_F(Hazards, TheWorkerRacesWithStreamsAndHost) {
  uint32_t in = buffer(true), out = buffer();
  uint32_t job = host(Kind::HostWork, {reads(in), writes(out)});
  expect(Hazard::Kind::Race, work(0, {writes(in)}), job);
  schedule.steps.pop_back();
  expect(Hazard::Kind::Race, work(0, {reads(out)}), job);
  schedule.steps.pop_back();
  expect(Hazard::Kind::Race, host(Kind::Host, {reads(out)}), job);
}

TEST_F(Hazards, TheWorkerStartsWithWhatTheHostKnows) {
  uint32_t in = buffer();
  uint32_t writer = work(0, {writes(in)});
  record(0, 0);
  expect(Hazard::Kind::Race, host(Kind::HostWork, {reads(in)}), writer);
}

TEST_F(Hazards, JobsOfTheWorkerFollowEachOther) {
  uint32_t a = buffer();
  host(Kind::HostWork, {writes(a)});
  host(Kind::HostWork, {updates(a)});
  expectNone();
}

// Nothing in the detector depends on how many there are: a chain over all
// streams, with one link missing.
TEST_F(Hazards, FindsTheOneMissingLinkOfALongChain) {
  constexpr uint32_t kLinks = 1000, kMissing = 777;
  uint32_t a = buffer();
  uint32_t last = work(0, {writes(a)}), expected = kNoStep, other = kNoStep;
  for (uint32_t i = 0; i < kLinks; ++i) {
    uint8_t from = i % kStreamCount, to = (i + 1) % kStreamCount;
    record(from, i);
    if (i != kMissing)
      wait(to, i);
    uint32_t next = work(to, {updates(a)});
    if (i == kMissing)
      expected = next, other = last;
    last = next;
  }
  expect(Hazard::Kind::Race, expected, other);
}

} // namespace
