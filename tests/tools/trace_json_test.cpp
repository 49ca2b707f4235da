//===- trace_json_test.cpp - A trace as a program reads it ----------------===//

#include "tools/support/trace_json.h"

#include "runtime/core/json.h"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::tools;

namespace {

TEST(TraceJson, NamesLayersAndExperts) {
  EXPECT_EQ(spanName({"expert", 3, 17}), "expert L3 E17");
  EXPECT_EQ(spanName({"attention", 0, -1}), "attention L0");
  EXPECT_EQ(spanName({"embed", -1, -1}), "embed");
  EXPECT_EQ(spanName({}), "work");
}

TEST(TraceJson, IsWhatPerfettoReads) {
  const std::vector<TraceSpan> spans = {
      {{"expert", 3, 17}, StreamKind::Demand, 1.5, 175, 9437184},
      {{"a \"name\"\n\xff", -1, -1}, kHostTrack, 2, 3.25, 0},
  };
  const std::string text = traceJson(spans, "plan \\ one");
  auto root = parseJson(text, "trace.json");
  ASSERT_TRUE(root.isOk()) << root.status().message();
  const nlohmann::json &events = (*root)["traceEvents"];
  ASSERT_TRUE(events.is_array());

  std::map<int, std::string> tracks;
  std::vector<nlohmann::json> complete;
  for (const nlohmann::json &event : events) {
    EXPECT_EQ(event["pid"], 1);
    if (event["ph"] == "X")
      complete.push_back(event);
    else if (event["name"] == "thread_name")
      tracks[event["tid"]] = event["args"]["name"];
    else if (event["name"] == "process_name")
      EXPECT_EQ(event["args"]["name"], "plan \\ one");
    else
      EXPECT_EQ(event["args"]["sort_index"], event["tid"]);
  }
  EXPECT_EQ(tracks, (std::map<int, std::string>{{1, "compute"},
                                                {2, "demand"},
                                                {3, "prefetch"},
                                                {4, "copy-back"},
                                                {5, "host"},
                                                {6, "disk"}}));
  ASSERT_EQ(complete.size(), 2u);
  EXPECT_EQ(complete[0]["name"], "expert L3 E17");
  EXPECT_EQ(complete[0]["tid"], 2);
  EXPECT_EQ(complete[0]["ts"], 1.5);
  EXPECT_EQ(complete[0]["dur"], 173.5);
  EXPECT_EQ(complete[0]["args"],
            (nlohmann::json{{"layer", 3}, {"expert", 17}, {"bytes", 9437184}}));
  EXPECT_EQ(complete[1]["tid"], 5);
  EXPECT_EQ(complete[1]["args"], nlohmann::json::object());
  EXPECT_EQ(complete[1]["name"], "a \"name\"\n\xef\xbf\xbd");
}

TEST(TraceJson, AFileThatCannotBeWrittenIsNamed) {
  Status status = writeTrace("/nowhere/trace.json", {}, "p");
  ASSERT_FALSE(status.isOk());
  EXPECT_NE(status.message().find("/nowhere/trace.json"),
            std::string_view::npos);
}

} // namespace
