//===- output_file_test.cpp - Outputs without a place are found first -----===//

#include "tools/support/output_file.h"

#include "runtime/io/file.h"
#include "tests/runtime/io/temporary_directory.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

size_t entriesOf(const fs::path &folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// The message about `path` as the value of --metrics.
std::string said(const fs::path &path) {
  return std::string(checkOutput("--metrics", path.string()).message());
}

TEST(OutputFile, LeavesNothingBehind) {
  const testing::TemporaryDirectory work;
  const fs::path folder(work.path());
  EXPECT_EQ(said(folder / "new.json"), "");
  EXPECT_EQ(entriesOf(folder), 0u);
  // What is there may be replaced, but not by the check.
  const std::string old = (folder / "old.json").string();
  ASSERT_TRUE(writeFile(old, "kept").isOk());
  EXPECT_EQ(said(old), "");
  EXPECT_EQ(entriesOf(folder), 1u);
  const auto content = readTextFile(old);
  ASSERT_TRUE(content.isOk());
  EXPECT_EQ(*content, "kept");
}

TEST(OutputFile, NamesFlagAndPath) {
  const testing::TemporaryDirectory work;
  const fs::path folder(work.path());
  const std::string nowhere = (folder / "nowhere" / "x.json").string();
  EXPECT_EQ(said(nowhere), "--metrics: " + nowhere +
                               ": cannot create: No such file or directory");
  EXPECT_EQ(said(folder), "--metrics: " + folder.string() +
                              " is a folder, expected a name for a file");
  // A file is no folder.
  const fs::path file = folder / "file";
  ASSERT_TRUE(writeFile(file.string(), "").isOk());
  EXPECT_NE(said(file / "x.json").find("Not a directory"), std::string::npos)
      << said(file / "x.json");
}

TEST(OutputFile, NoPathIsNoFile) { EXPECT_EQ(said(""), ""); }

} // namespace
} // namespace sluice::tools
