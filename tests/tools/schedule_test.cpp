//===- schedule_test.cpp - Drawings made by hand --------------------------===//

#include "tools/sluice-dump/schedule.h"

#include <gtest/gtest.h>
#include <sstream>

using namespace sluice;
using namespace sluice::tools;

namespace {

constexpr auto kCompute = StreamKind::Compute;
constexpr auto kDemand = StreamKind::Demand;
constexpr auto kPrefetch = StreamKind::Prefetch;
constexpr auto kCopyBack = StreamKind::CopyBack;

/// Two layers of 50 us: attention, router, then experts that come late.
const std::vector<TraceSpan> kStep = {
    {{"linear", 0, -1}, kCompute, 0, 10, 0},
    {{"attention", 0, -1}, kCompute, 10, 15, 0},
    {{"copy", -1, -1}, kDemand, 2, 4, 100},
    {{"route", 0, -1}, kCompute, 15, 20, 0},
    {{"expert", 0, 7}, kDemand, 20, 40, 1000000},
    {{"run_host", 0, -1}, kHostTrack, 20, 35, 0},
    {{"expert_gate_up", 0, -1}, kCompute, 40, 50, 0},
    {{"prefetch", 1, 3}, kPrefetch, 45, 65, 1000000},
    {{"linear", 1, -1}, kCompute, 50, 60, 0},
    {{"add", 1, -1}, kCompute, 60, 60.4, 0},
    {{"expert_gate_up", 1, -1}, kCompute, 80, 99, 0},
    {{"copy", -1, -1}, kCopyBack, 99, 100, 4000},
};

std::string draw(const DrawOptions &options,
                 const std::vector<TraceSpan> &spans = kStep) {
  std::ostringstream out;
  drawSchedule(out, spans, options);
  return out.str();
}

TEST(Schedule, DrawsAStep) {
  EXPECT_EQ(draw({.title = "two layers", .columns = 50}),
            R"(two layers
0.100 ms, a column is 2 us

          |0        |0.02     |0.04     |0.06     |0.08 ms
layer     |0                       |1
compute   LLLLLAAARR          XXXXXLLLLL.         XXXXXXXXXX  59%
demand     -        ==========                                22%  976.66 KiB at 45.5 GB/s
prefetch                        ===========                   20%  976.56 KiB at 50.0 GB/s
copy-back                                                  -   1%  3.91 KiB at 4.0 GB/s
host                HHHHHHHH                                  15%

  L linear  A attention and its cache  R router  X experts  o other kernels  = expert copy  - other copy  H experts on the CPU  . mostly idle
)");
}

TEST(Schedule, ZoomsIntoALayer) {
  EXPECT_EQ(draw({.title = "zoom", .columns = 50, .layer = 1}),
            R"(zoom
0.050 ms, a column is 1 us

          |0.05     |0.06     |0.07     |0.08     |0.09 ms
layer     |1
compute   LLLLLLLLLL.                   XXXXXXXXXXXXXXXXXXX   59%
prefetch  ===============                                     30%  732.42 KiB at 50.0 GB/s
copy-back                                                  -   2%  3.91 KiB at 4.0 GB/s

  L linear  X experts  o other kernels  = expert copy  - other copy  . mostly idle

     0.045 ms      20.0 us  prefetch   prefetch L1 E3, 976.56 KiB
     0.050 ms      10.0 us  compute    linear L1
     0.060 ms       0.4 us  compute    add L1
     0.080 ms      19.0 us  compute    expert_gate_up L1
     0.099 ms       1.0 us  copy-back  copy, 3.91 KiB
)");
}

/// An expert is read from disk, then copied, then used.
TEST(Schedule, DrawsTheDisk) {
  const std::vector<TraceSpan> spans = {
      {{"route", 0, -1}, kCompute, 0, 4, 0},
      {{"read", 0, 7}, kDiskTrack, 4, 30, 52000},
      {{"expert", 0, 7}, kDemand, 30, 35, 50000},
      {{"expert_gate_up", 0, -1}, kCompute, 35, 40, 0},
  };
  EXPECT_EQ(draw({.title = "disk", .columns = 40}, spans),
            R"(disk
0.040 ms, a column is 1 us

          |0      |0.008  |0.016  |0.024  |0.032 ms
layer     |0
compute   RRRR                               XXXXX  22%
demand                                  =====       12%  48.83 KiB at 10.0 GB/s
disk          DDDDDDDDDDDDDDDDDDDDDDDDDD            65%  50.78 KiB at 2.0 GB/s

  R router  X experts  = expert copy  D read from disk  . mostly idle
)");
}

TEST(Schedule, SaysWhatIsNotThere) {
  EXPECT_EQ(draw({.title = "empty"}, {}), "empty\nnothing ran\n");
  EXPECT_NE(draw({.title = "t", .layer = 9}).find("layer 9 did not run"),
            std::string::npos);
}

} // namespace
