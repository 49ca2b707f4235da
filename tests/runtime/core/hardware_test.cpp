//===- hardware_test.cpp - hw.json, read, written, looked up --------------===//
#include "runtime/core/hardware.h"

#include "kernels/signatures.h"
#include "runtime/core/json.h"
#include "runtime/io/file.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace sluice {
namespace {

constexpr const char *kShipped[] = {"h200", "rtx_3060_12gb", "rtx_4090"};

std::string readShipped(const std::string &name) {
  Result<std::string> text =
      readTextFile(std::string(SLUICE_SOURCE_DIR) +
                   "/compiler/analysis/hardware/" + name + ".json");
  EXPECT_TRUE(text) << text.status().message();
  return text ? *text : "";
}

TEST(Hardware, ShippedProfilesAreReadAndName) {
  for (const char *name : kShipped) {
    Result<Hardware> read = parseHardware(readShipped(name), name);
    ASSERT_TRUE(read) << read.status().message();
    EXPECT_FALSE(read->name.empty());
    for (const Figure &figure :
         {read->deviceBandwidth, read->tensorTflops, read->vectorTflops,
          read->hostRead, read->diskRead, read->launchUs, read->graphNodeUs,
          read->syncUs, read->copyLatencyUs}) {
      EXPECT_GT(figure.value, 0) << name;
      EXPECT_GT(figure.source.size(), 20u) << name << ": no source";
    }
    // A copy of more bytes takes longer and its rate does not fall.
    double before = 0, rate = 0;
    for (double bytes = 4096; bytes < 1e9; bytes *= 1.7) {
      double us = read->hostToDeviceUs(bytes);
      EXPECT_GT(us, before) << name << " " << bytes;
      EXPECT_GE(bytes / us, rate * 0.9999) << name << " " << bytes;
      before = us;
      rate = bytes / us;
    }
  }
}

TEST(Hardware, OneExpertOfTheH200) {
  Result<Hardware> read = parseHardware(readShipped("h200"), "h200");
  ASSERT_TRUE(read) << read.status().message();
  // Measured: one bf16 expert in 173.5 us, a 4-bit one in 45 us.
  EXPECT_NEAR(read->hostToDeviceUs(9437184), 173.5, 0.5);
  EXPECT_NEAR(read->hostToDeviceUs(2359296), 45, 1);
  EXPECT_NEAR(read->deviceToHostUs(64), 6.4, 0.01);
  EXPECT_NEAR(*read->expertUs(2048, 768, 9437184, 1), 2.19, 1e-9);
  EXPECT_NEAR(*read->expertUs(2048, 768, 9437184, 3), 2.30, 1e-9);
  EXPECT_FALSE(read->expertUs(2048, 768, 18874368, 1)); // of another type
}

TEST(Hardware, WritesWhatItReads) {
  for (const char *name : kShipped) {
    Result<Hardware> read = parseHardware(readShipped(name), name);
    ASSERT_TRUE(read) << read.status().message();
    read->kernels.push_back(
        {Kernel::Linear, Arithmetic::Tensor, {2048, 151936}, 8, 0, 152.25});
    const std::string text = printHardware(*read);
    Result<Hardware> again = parseHardware(text, name);
    ASSERT_TRUE(again) << again.status().message();
    EXPECT_EQ(printHardware(*again), text);
    ASSERT_EQ(again->kernels.size(), 1u);
    EXPECT_EQ(again->kernels[0].dims, (std::vector<int64_t>{2048, 151936}));
    EXPECT_EQ(again->kernels[0].us, 152.25);
    EXPECT_EQ(again->hostExpert.points.size(), read->hostExpert.points.size());
  }
  // Figures that are assumed too.
  EXPECT_TRUE(parseHardware(printHardware(builtInHardware()), "built-in"));
}

TEST(Hardware, CurvesByHand) {
  Curve curve{{{1, 10}, {3, 20}, {4, 40}}, "t"};
  EXPECT_EQ(curve.at(0.5), 10);
  EXPECT_EQ(curve.at(2), 15);
  EXPECT_EQ(curve.at(3.5), 30);
  EXPECT_EQ(curve.at(9), 40);
  // 1000 bytes in 1 us and 9000 in 2: a latency of 0.875 us and 8 GB/s.
  Hardware machine;
  machine.hostToDevice = {{{1000, 1}, {9000, 4.5}}, "t"};
  EXPECT_DOUBLE_EQ(machine.hostToDeviceUs(1000), 1);
  EXPECT_DOUBLE_EQ(machine.hostToDeviceUs(5000), 1.5);
  EXPECT_DOUBLE_EQ(machine.hostToDeviceUs(18000), 4);
  EXPECT_DOUBLE_EQ(machine.hostToDeviceUs(200), 0.9);
}

TEST(Hardware, KernelsBetweenRowsAndContexts) {
  Hardware machine;
  auto add = [&machine](int64_t rows, int64_t context, double us) {
    machine.kernels.push_back({Kernel::Attention,
                               Arithmetic::Portable,
                               {32, 4, 128, 256, 16, 1, 256, 16, 130},
                               rows,
                               context,
                               us});
  };
  add(1, 512, 10);
  add(3, 512, 14);
  add(1, 1536, 20);
  auto look = [&machine](std::vector<int64_t> dims, double rows,
                         double context) {
    return machine.kernelUs(Kernel::Attention, Arithmetic::Portable, dims, rows,
                            context);
  };
  // More pages and sequences are the same kernel; other heads are not.
  const std::vector<int64_t> wider = {32, 4, 128, 9999, 16, 64, 512, 32, 130};
  EXPECT_DOUBLE_EQ(*look(wider, 1, 512), 10);
  EXPECT_DOUBLE_EQ(*look(wider, 2, 512), 12);
  EXPECT_DOUBLE_EQ(*look(wider, 5, 512), 18); // the last slope goes on
  EXPECT_DOUBLE_EQ(*look(wider, 1, 1024), 15);
  EXPECT_DOUBLE_EQ(*look(wider, 1, 100), 10);
  EXPECT_FALSE(look({16, 4, 128, 256, 16, 1, 256, 16, 130}, 1, 512));
  EXPECT_FALSE(look({32, 4, 128}, 1, 512));
  EXPECT_FALSE(
      machine.kernelUs(Kernel::Attention, Arithmetic::Tensor, wider, 1, 512));
}

TEST(Hardware, ExpertsOfManyRowsAreBoundByArithmetic) {
  Hardware machine;
  machine.hostExpert = {{{2, 200}, {4, 100}}, "t"};
  EXPECT_NEAR(machine.hostExpertUs(6e6, 1), 30, 1e-9); // by the first point
  EXPECT_NEAR(machine.hostExpertUs(6e6, 3), 40, 1e-9);
  EXPECT_NEAR(machine.hostExpertUs(6e6, 4), 60, 1e-9);
  EXPECT_NEAR(machine.hostExpertUs(6e6, 8), 120, 1e-9); // twice the rows
  EXPECT_NEAR(machine.hostExpertUs(6e6, 100), 1500, 1e-9);
}

TEST(Hardware, BusAndExpertsShareHostMemory) {
  Hardware machine;
  machine.hostToDevice = {{{1e5, 30}, {1e6, 50}}, "t"};
  machine.hostExpert = {{{1, 150}, {8, 90}}, "t"};
  machine.hostRead = {160, "t"};
  auto expect = [&machine](HostRates alone, double bus, double experts) {
    const HostRates both = machine.together(alone);
    EXPECT_NEAR(both.bus, bus, 1e-9);
    EXPECT_NEAR(both.experts, experts, 1e-9);
  };
  // 160 of 200 GB/s: four fifths of each.
  expect({50, 150}, 40, 120);
  // Experts of eight rows leave the bus what it can take.
  expect({50, 90}, 50, 90);
  expect({50, 120}, 160 * 50.0 / 170, 160 * 120.0 / 170);
  // More memory than both can use.
  machine.hostRead.value = 300;
  expect({50, 150}, 50, 150);
}

TEST(Hardware, BusAndExpertsShareHostMemoryAsMeasured) {
  Hardware machine;
  machine.hostToDevice = {{{1e5, 30}, {1e6, 60}}, "t"};
  machine.hostExpert = {{{1, 100}, {2, 100}, {4, 80}, {8, 40}}, "t"};
  machine.hostRead = {1, "t"}; // what was measured says more
  auto expect = [&machine](HostRates alone, double bus, double experts) {
    const HostRates both = machine.together(alone);
    EXPECT_NEAR(both.bus, bus, 1e-9) << alone.experts;
    EXPECT_NEAR(both.experts, experts, 1e-9) << alone.experts;
  };
  // At one point: four fifths of the bus and 0.7 of the experts everywhere.
  machine.shared = {{{4, {40, 56}}}, 50, "t"};
  expect({50, 80}, 40, 56);
  expect({25, 80}, 20, 56);
  expect({50, 120}, 40, 84);
  expect({50, 10}, 40, 7);
  // Rows 1 and 2 read the same alone: 0.7 of the bus and 75 GB/s, their mean.
  // At 8 rows neither is slower, though both were seen a little faster.
  machine.shared = {
      {{1, {30, 70}}, {2, {40, 80}}, {4, {40, 56}}, {8, {51, 41}}}, 50, "t"};
  expect({50, 100}, 35, 75);
  expect({50, 80}, 40, 56);
  expect({50, 40}, 50, 40);
  // Between them: a quarter and a half of the way.
  expect({50, 85}, 0.775 * 50, 60.75);
  expect({10, 85}, 7.75, 60.75);
  expect({50, 60}, 45, 48);
  // Beyond them.
  expect({50, 200}, 35, 150);
  expect({50, 4}, 50, 4);
}

/// Faster alone is never slower together, nothing jumps, and nobody is faster
/// than alone: whatever the points.
TEST(Hardware, SharingIsContinuousAndNeverFallsWithTheRateAlone) {
  Hardware machine;
  machine.hostToDevice = {{{1e6, 50}}, "t"};
  machine.hostRead = {110, "t"};
  // Rows that read the same alone, and in the second what falls with fewer.
  const Curve curves[] = {{{{1, 100}, {8, 60}}, "t"},
                          {{{1, 90}, {2, 100}, {4, 100}, {8, 50}}, "t"}};
  const SharedMemory measured[] = {
      {},
      {{{1, {30, 70}}}, 50, "t"},
      {{{1, {44, 61}}, {4, {40, 60}}, {8, {50, 60}}}, 50, "t"},
      {{{1, {1e-9, 80}}, {2, {45, 99}}, {4, {70, 70}}, {64, {20, 1e-9}}},
       50,
       "t"}};
  for (const Curve &curve : curves)
    for (const SharedMemory &shared : measured) {
      machine.hostExpert = curve;
      machine.shared = shared;
      constexpr double kStep = 0.01;
      HostRates before = machine.together({50, kStep});
      for (double experts = 2 * kStep; experts < 130; experts += kStep) {
        const HostRates both = machine.together({50, experts});
        EXPECT_GT(both.bus, 0) << experts;
        EXPECT_LE(both.bus, 50) << experts;
        EXPECT_LE(both.experts, experts);
        EXPECT_GE(both.experts, before.experts) << experts;
        EXPECT_LE(both.experts - before.experts, 10 * kStep) << experts;
        EXPECT_LE(std::abs(both.bus - before.bus), 10 * kStep) << experts;
        const HostRates faster = machine.together({50 + kStep, experts});
        EXPECT_GE(faster.bus, both.bus) << experts;
        before = both;
      }
    }
}

TEST(Hardware, OverheadsThatNobodyMeasured) {
  Hardware machine;
  machine.launchUs = {3, "t"};
  machine.syncUs = {5, "t"};
  machine.copyLatencyUs = {6, "t"};
  EXPECT_EQ(machine.hostRoundTripUs(), 11);
  EXPECT_EQ(machine.hostJoinUs(), 3);
  machine.roundTripUs = {20, "t"};
  machine.joinUs = {25, "t"};
  EXPECT_EQ(machine.hostRoundTripUs(), 20);
  EXPECT_EQ(machine.hostJoinUs(), 25);
}

TEST(Hardware, OptionalKeysAreWrittenWhereTheyAre) {
  Hardware machine = builtInHardware();
  EXPECT_EQ(printHardware(machine).find("shared"), std::string::npos);
  EXPECT_EQ(printHardware(machine).find("round_trip_us"), std::string::npos);
  machine.shared = {
      {{1, {45.5, 101.25}}, {8, {48.75, 55}}}, 54.5, "measured \"so\""};
  machine.roundTripUs = {20, "a trace"};
  machine.joinUs = {17.5, "another"};
  machine.hostJobUs = {40, "a third"};
  const std::string text = printHardware(machine);
  Result<Hardware> again = parseHardware(text, "hw.json");
  ASSERT_TRUE(again) << again.status().message();
  EXPECT_EQ(printHardware(*again), text);
  ASSERT_EQ(again->shared.points.size(), 2u);
  EXPECT_EQ(again->shared.points[0].rows, 1);
  EXPECT_EQ(again->shared.points[0].both.bus, 45.5);
  EXPECT_EQ(again->shared.points[0].both.experts, 101.25);
  EXPECT_EQ(again->shared.points[1].rows, 8);
  EXPECT_EQ(again->shared.points[1].both.bus, 48.75);
  EXPECT_EQ(again->shared.points[1].both.experts, 55);
  EXPECT_EQ(again->shared.busAlone, 54.5);
  EXPECT_EQ(again->shared.source, machine.shared.source);
  EXPECT_EQ(again->roundTripUs.value, 20);
  EXPECT_EQ(again->joinUs.value, 17.5);
  EXPECT_EQ(again->hostJobUs.value, 40);
}

/// The built-in profile with one piece of its text replaced.
std::string changed(const std::string &from, const std::string &to) {
  std::string text = printHardware(builtInHardware());
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The built-in profile with this of what is shared.
std::string sharing(const std::string &members) {
  const std::string kernels = "\"kernels\": [";
  return changed(kernels,
                 "\"host_memory_shared_gb_s\": {" + members + "},\n" + kernels);
}

TEST(Hardware, RefusesWhatIsNoProfile) {
  const std::string kernels = "\"kernels\": [";
  const std::string linear =
      R"({"kernel": "linear", "arithmetic": "portable", "dims": [8, 8], )"
      R"("rows": 1, "us": 1.5})";
  struct {
    const char *name;
    std::string text;
    std::initializer_list<std::string_view> says;
  } cases[] = {
      {"empty", "", {"hw.json", "empty file"}},
      {"no object", "[]", {"expected an object"}},
      {"another format",
       changed("sluice hardware 1", "sluice hardware 2"),
       {"format", "'sluice hardware 2'", "'sluice hardware 1'"}},
      {"zero",
       changed("\"value\": 300.0", "\"value\": 0"),
       {"device_bandwidth_gb_s.value", "found 0", "1e-9 to 1e9"}},
      {"negative", changed("\"value\": 300.0", "\"value\": -3"), {"found -3"}},
      {"huge", changed("\"value\": 300.0", "\"value\": 1e300"), {"1e9"}},
      {"no number",
       changed("\"value\": 300.0", "\"value\": \"fast\""),
       {"'fast'", "a number"}},
      {"mistyped key",
       changed("\"launch_us\"", "\"lunch_us\""),
       {"'lunch_us'", "known"}},
      {"mistyped inner key",
       changed("\"value\": 300.0", "\"val\": 300.0"),
       {"'val'"}},
      {"missing",
       changed("\"name\": \"built-in (conservative)\",", ""),
       {"name is missing"}},
      {"no source",
       changed("\"source\": \"assumed", "\"source\": 4, \"x\": \""),
       {"host_to_device_gb_s_by_bytes"}},
      {"shared at no number of rows, as it once was",
       sharing(R"("bus": 4, "experts": 9, "source": "t")"),
       {"host_memory_shared_gb_s.points is missing",
        "triples [rows, bus, experts]"}},
      {"shared at no rows",
       sharing(R"("points": [], "bus_alone": 5, "source": "t")"),
       {"host_memory_shared_gb_s.points", "triples [rows, bus, experts]"}},
      {"half of what is shared",
       sharing(R"("points": [[1, 4]], "bus_alone": 5, "source": "t")"),
       {"host_memory_shared_gb_s.points[0]", "a triple [rows, bus, experts]"}},
      {"shared in words",
       sharing(R"("points": [[1, 4, "all"]], "bus_alone": 5, "source": "t")"),
       {"host_memory_shared_gb_s.points[0]", "a triple [rows, bus, experts]"}},
      {"shared at rows that fall",
       sharing(R"("points": [[2, 4, 9], [1, 4, 9]], "bus_alone": 5, )"
               R"("source": "t")"),
       {"host_memory_shared_gb_s.points[1]", "found 1",
        "more than the rows before"}},
      {"shared twice at the same rows",
       sharing(R"("points": [[2, 4, 9], [2, 4, 9]], "bus_alone": 5, )"
               R"("source": "t")"),
       {"host_memory_shared_gb_s.points[1]", "found 2"}},
      {"shared at rows of zero",
       sharing(R"("points": [[0, 4, 9]], "bus_alone": 5, "source": "t")"),
       {"host_memory_shared_gb_s.points[0]", "found 0"}},
      {"nothing for the bus",
       sharing(R"("points": [[1, 0, 9]], "bus_alone": 5, "source": "t")"),
       {"host_memory_shared_gb_s.points[0]", "found 0", "1e-9 to 1e9"}},
      {"nothing for the experts",
       sharing(R"("points": [[1, 4, 9], [2, 4, -1]], "bus_alone": 5, )"
               R"("source": "t")"),
       {"host_memory_shared_gb_s.points[1]", "found -1", "1e-9 to 1e9"}},
      {"no bus alone",
       sharing(R"("points": [[1, 4, 9]], "source": "t")"),
       {"host_memory_shared_gb_s.bus_alone is missing"}},
      {"a bus of nothing alone",
       sharing(R"("points": [[1, 4, 9]], "bus_alone": 0, "source": "t")"),
       {"host_memory_shared_gb_s.bus_alone", "found 0"}},
      {"shared from nowhere",
       sharing(R"("points": [[1, 4, 9]], "bus_alone": 5)"),
       {"host_memory_shared_gb_s.source is missing"}},
      {"shared with more",
       sharing(R"("points": [[1, 4, 9]], "bus_alone": 5, "bus": 4, )"
               R"("source": "t")"),
       {"host_memory_shared_gb_s", "'bus'", "known"}},
      {"an overhead of nothing",
       changed("\"kernels\": [", "\"join_us\": {\"value\": 0, "
                                 "\"source\": \"t\"},\n\"kernels\": ["),
       {"join_us.value", "found 0"}},
      {"points fall",
       changed("[1048576.0, 10.0]", "[1024.0, 10.0]"),
       {"points[1]", "found 1024.0", "more than the x before"}},
      {"a point of three",
       changed("[1048576.0, 10.0]", "[1048576.0, 10.0, 1]"),
       {"points[1]", "a pair"}},
      {"no points",
       changed("[[262144.0, 8.0], [1048576.0, 10.0], [8388608.0, 11.5]]", "[]"),
       {"points", "pairs"}},
      {"unknown kernel",
       changed(kernels, kernels +
                            R"({"kernel": "magic", "arithmetic": "portable", )"
                            R"("dims": [], "rows": 1, "us": 1})"),
       {"kernels[0].kernel", "'magic'"}},
      {"dims of another kernel",
       changed(kernels, kernels + R"({"kernel": "linear", )"
                                  R"("arithmetic": "tensor", "dims": [8], )"
                                  R"("rows": 1, "us": 1})"),
       {"kernels[0].dims", "2 dims, as linear has"}},
      {"twice",
       changed(kernels, kernels + linear + ", " + linear),
       {"kernels[1]", "once"}},
      {"rows of zero",
       changed(kernels, kernels + R"({"kernel": "linear", )"
                                  R"("arithmetic": "tensor", "dims": [8, 8], )"
                                  R"("rows": 0, "us": 1})"),
       {"kernels[0].rows", "from 1"}},
      {"deep",
       "{\"name\": " + std::string(100, '[') + std::string(100, ']') + "}",
       {"nest deeper"}},
  };
  for (const auto &bad : cases) {
    Result<Hardware> read = parseHardware(bad.text, "hw.json");
    ASSERT_FALSE(read) << bad.name;
    const std::string message(read.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << bad.name;
    EXPECT_EQ(message.rfind("hw.json", 0), 0u) << bad.name << ": " << message;
    for (std::string_view words : bad.says)
      EXPECT_NE(message.find(words), std::string::npos)
          << bad.name << ": " << message;
  }
}

/// Every prefix is refused in one line, none reads as a machine.
TEST(Hardware, RefusesEveryPrefix) {
  const std::string text = printHardware(builtInHardware());
  for (size_t size = 0; size + 2 < text.size(); size += 3) {
    Result<Hardware> read =
        parseHardware(std::string_view(text).substr(0, size), "hw.json");
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.status().message().find('\n'), std::string_view::npos);
  }
}

} // namespace
} // namespace sluice
