//===- home_test.cpp - Experts from host memory and from disk -------------===//

#include "runtime/core/fault.h"
#include "runtime/experts/bounce.h"
#include "tests/runtime/experts/sharded_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

using experts::bouncePlaceBytes;
using experts::ExpertHome;

/// Faults of one test; none afterwards.
class Faults {
public:
  explicit Faults(std::string_view list) { setFaults(list); }
  ~Faults() { setFaults(""); }
};

struct Wanted {
  uint32_t bank, expert;
};

/// All experts on disk, `rounds` times, in an order that is not the files'.
std::vector<Wanted> onDisk(const ShardedPlan &sharded, int rounds = 1) {
  std::vector<Wanted> wanted;
  for (int round = 0; round < rounds; ++round)
    for (uint32_t bank = 0; bank < sharded.banks(); ++bank)
      for (uint32_t expert = 0; expert < sharded.experts(); ++expert)
        if (sharded.home(bank, expert) == fb::Home::Disk)
          wanted.push_back({bank, expert});
  std::minstd_rand random(3);
  std::shuffle(wanted.begin(), wanted.end(), random);
  return wanted;
}

/// Starts as many of `wanted` as the ring takes; the number begun.
size_t startSome(ExpertHome &home, std::span<const Wanted> wanted) {
  size_t begun = 0;
  for (const Wanted &one : wanted) {
    auto free = home.startRead(one.bank, one.expert);
    EXPECT_TRUE(free.isOk()) << free.status().message();
    if (!free || !*free)
      break;
    ++begun;
  }
  return begun;
}

/// Reads all of `wanted` and checks every image. The most that were under way.
size_t readAll(const ShardedPlan &sharded, ExpertHome &home,
               std::span<const Wanted> wanted) {
  size_t next = 0, most = 0;
  for (size_t arrived = 0; arrived < wanted.size();) {
    next += startSome(home, wanted.subspan(next));
    most = std::max<size_t>(most, home.readsInFlight());
    auto first = home.waitRead();
    EXPECT_TRUE(first.isOk()) << first.status().message();
    if (!first)
      return most;
    std::vector<experts::Arrival> arrivals = {*first};
    while (true) {
      auto more = home.poll();
      EXPECT_TRUE(more.isOk()) << more.status().message();
      if (!more || !*more)
        break;
      arrivals.push_back(**more);
    }
    for (const experts::Arrival &arrival : arrivals) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(arrival.image) % 8, 0u);
      sharded.expectImage(arrival.bank, arrival.expert, arrival.image);
      home.doneWith(arrival.image);
      ++arrived;
    }
  }
  EXPECT_EQ(home.readsInFlight(), 0u);
  return most;
}

struct Case {
  const char *name;
  Lie lie;
  const char *faults;
  uint64_t places; ///< In the ring; 0: the smallest ring that a plan may have.
  uint64_t start = 4104;
};

class Images : public ::testing::TestWithParam<Case> {};

TEST_P(Images, EqualTheFiles) {
  const Case &c = GetParam();
  Shards shards{.lie = c.lie, .start = c.start};
  uint64_t slot = 3 * uint64_t(shards.hidden) * shards.inner * 2 + 256;
  shards.ringBytes = c.places * bouncePlaceBytes(slot);
  ShardedPlan sharded(shards);
  ASSERT_EQ(sharded.slotBytes(), slot);
  Faults faults(c.faults);
  auto home = sharded.load({.threads = 3});
  ASSERT_TRUE(home.isOk()) << home.status().message();
  for (uint32_t bank = 0; bank < sharded.banks(); ++bank)
    for (uint32_t expert = 0; expert < sharded.experts(); ++expert)
      if (sharded.home(bank, expert) == fb::Home::Host)
        sharded.expectImage(bank, expert, (*home)->image(bank, expert));
      else
        EXPECT_EQ((*home)->image(bank, expert), nullptr);
  std::vector<Wanted> wanted = onDisk(sharded, 20);
  size_t most = readAll(sharded, **home, wanted);
  EXPECT_EQ(most, c.places ? c.places : 2);
}

INSTANTIATE_TEST_SUITE_P(
    Readers, Images,
    ::testing::Values(
        Case{"PackedPlain", Lie::Packed, "", 4},
        Case{"PackedOdd", Lie::Packed, "", 4, 4099},
        Case{"PackedSmallRing", Lie::Packed, "", 0},
        Case{"AlignedPlain", Lie::Aligned, "", 5},
        Case{"ScatteredPlain", Lie::Scattered, "", 4},
        Case{"ScatteredShort", Lie::Scattered, "short", 4},
        Case{"PackedShort", Lie::Packed, "short", 4},
        Case{"PackedNoUring", Lie::Packed, "uring", 4},
        Case{"ScatteredNoUring", Lie::Scattered, "uring", 2},
        Case{"ScatteredNoUringShort", Lie::Scattered, "uring,short", 4},
        Case{"PackedNoDirect", Lie::Packed, "direct", 4},
        Case{"ScatteredNoDirect", Lie::Scattered, "direct,short", 3},
        Case{"OneFileNotDirect", Lie::Scattered, "direct:3", 4}),
    [](const auto &info) { return info.param.name; });

TEST(Home, SaysWhatIsRefusedInOneLine) {
  struct Refusal {
    const char *faults;
    std::string_view says;
  };
  for (const Refusal &refusal :
       {Refusal{"uring", "io_uring: refused"},
        Refusal{"direct", "direct reads are refused for 5 of 5"}}) {
    ShardedPlan sharded({});
    Faults faults(refusal.faults);
    ::testing::internal::CaptureStderr();
    auto home = sharded.load();
    std::string said = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(home.isOk());
    EXPECT_NE(said.find(refusal.says), said.npos) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
}

TEST(Home, ReportsProgress) {
  ShardedPlan sharded({.homes = {fb::Home::Host}});
  uint64_t last = 0, all = 0;
  auto home = sharded.load({.progress =
                                [&](uint64_t done, uint64_t total) {
                                  EXPECT_GE(done, last);
                                  last = done;
                                  all = total;
                                },
                            .threads = 4});
  ASSERT_TRUE(home.isOk());
  EXPECT_GT(all, 2u * 4 * 3 * 64 * 72 * 2); // The dense weights come before.
  EXPECT_EQ(last, all);
}

TEST(Home, NamesFileAndTensorOfABrokenDiskAtLoad) {
  ShardedPlan sharded({.homes = {fb::Home::Host}});
  Faults faults("read");
  auto home = sharded.load();
  ASSERT_FALSE(home.isOk());
  EXPECT_EQ(home.status().code(), ErrorCode::Io);
  expectLine(home.status().message(),
             {"shard-1.safetensors", "cannot read at byte",
              "Input/output error", "of 'experts"});
}

TEST(Home, FailedReadsFreeTheirPlaceAndOthersGoOn) {
  for (const char *faults : {"read:3", "uring,read:3", "direct,read:3"}) {
    ShardedPlan sharded({.homes = {fb::Home::Disk}});
    setFaults(faults);
    auto home = sharded.load();
    ASSERT_TRUE(home.isOk());
    std::vector<Wanted> wanted = onDisk(sharded, 2);
    int failures = 0;
    size_t next = 0, over = 0;
    while (over < wanted.size()) {
      next += startSome(**home, std::span(wanted).subspan(next));
      auto arrival = (*home)->waitRead();
      ++over;
      if (!arrival) {
        ++failures;
        expectLine(arrival.status().message(),
                   {"shard-1.safetensors: cannot read at byte",
                    "Input/output error; wanted for expert", "'experts"});
        continue;
      }
      sharded.expectImage(arrival->bank, arrival->expert, arrival->image);
      (*home)->doneWith(arrival->image);
    }
    setFaults("");
    EXPECT_EQ(failures, 1) << faults;
    EXPECT_EQ((*home)->readsInFlight(), 0u);
    EXPECT_EQ(startSome(**home, wanted), 2u) << faults;
  }
}

TEST(Home, AFileThatShrinksIsAnErrorNotAHang) {
  for (const char *faults : {"", "uring", "direct"})
    for (uint64_t left : {uint64_t(0), uint64_t(4096), uint64_t(40001)}) {
      ShardedPlan sharded({.homes = {fb::Home::Disk}});
      setFaults(faults);
      auto home = sharded.load();
      setFaults("");
      ASSERT_TRUE(home.isOk());
      std::string path = sharded.directory.file("shard-1.safetensors");
      ASSERT_EQ(::truncate(path.c_str(), off_t(left)), 0);
      std::vector<Wanted> wanted = onDisk(sharded);
      size_t failures = 0;
      for (const Wanted &one : wanted) {
        ASSERT_EQ(startSome(**home, std::span(&one, 1)), 1u);
        auto arrival = (*home)->waitRead();
        if (arrival) {
          sharded.expectImage(one.bank, one.expert, arrival->image);
          (*home)->doneWith(arrival->image);
          continue;
        }
        ++failures;
        expectLine(arrival.status().message(),
                   {path + ": ends at byte", "has shrunk", "'experts"});
      }
      EXPECT_GE(failures, left == 40001 ? 6u : wanted.size())
          << faults << " " << left;
      EXPECT_LT(failures, left == 40001 ? wanted.size() : wanted.size() + 1);
    }
}

TEST(Home, ATruncatedShardIsRefusedAtLoad) {
  ShardedPlan sharded({});
  std::string path = sharded.directory.file("shard-1.safetensors");
  ASSERT_EQ(::truncate(path.c_str(), 5000), 0);
  auto home = sharded.load();
  ASSERT_FALSE(home.isOk());
  EXPECT_EQ(home.status().code(), ErrorCode::Corrupt);
  expectLine(home.status().message(), {path, "5000 bytes of the file"});
}

TEST(Home, MayGoWhileReadsAreInFlight) {
  for (const char *faults : {"", "uring", "direct"})
    for (int i = 0; i < 10; ++i) {
      ShardedPlan sharded({.lie = Lie::Scattered,
                           .homes = {fb::Home::Disk},
                           .ringBytes = uint64_t(1) << 18});
      Faults set(faults);
      auto home = sharded.load();
      ASSERT_TRUE(home.isOk());
      EXPECT_GE(startSome(**home, onDisk(sharded, 3)), 4u);
    }
}

TEST(Home, AnswersMisuseWithAnError) {
  ShardedPlan sharded({});
  auto home = sharded.load();
  ASSERT_TRUE(home.isOk());
  EXPECT_EQ((*home)->waitRead().status().code(), ErrorCode::Internal);
  EXPECT_EQ((*home)->startRead(0, 0).status().code(),
            ErrorCode::InvalidArgument);
  auto nothing = (*home)->poll();
  ASSERT_TRUE(nothing.isOk());
  EXPECT_FALSE(nothing->has_value());
}

float fromBf16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

TEST(Synthetic, TheSameInEveryTierAndSane) {
  ShardedPlan host({.homes = {fb::Home::Host}}),
      disk({.homes = {fb::Home::Disk}});
  for (const char *file : {"model", "shard-1", "shard-2"})
    std::filesystem::remove(
        host.directory.file(std::string(file) + ".safetensors"));
  auto inHost = host.load({.synthetic = true, .threads = 5}),
       onDisk = disk.load({.synthetic = true});
  ASSERT_TRUE(inHost.isOk() && onDisk.isOk());
  const uint64_t elements = 64 * 72; // Of a matrix; it begins the slot.
  std::set<std::string_view> different;
  for (uint32_t bank = 0; bank < 2; ++bank)
    for (uint32_t expert = 0; expert < 4; ++expert) {
      ASSERT_TRUE(*(*onDisk)->startRead(bank, expert));
      auto arrival = (*onDisk)->waitRead();
      ASSERT_TRUE(arrival.isOk());
      const std::byte *image = (*inHost)->image(bank, expert);
      EXPECT_EQ(std::memcmp(arrival->image, image, 3 * elements * 2), 0);
      (*onDisk)->doneWith(arrival->image);
      std::span values(reinterpret_cast<const uint16_t *>(image), 3 * elements);
      double sum = 0;
      for (uint16_t bits : values) {
        float value = fromBf16(bits);
        ASSERT_GE(std::fabs(value), 1.0f / 64);
        ASSERT_LT(std::fabs(value), 1.0f / 32);
        sum += value;
      }
      EXPECT_LT(std::fabs(sum / values.size()), 0.002);
      different.insert({reinterpret_cast<const char *>(image), elements * 2});
    }
  EXPECT_EQ(different.size(), 8u);
}

} // namespace
} // namespace sluice::testing
