//===- file_test.cpp - Files, paths, fingerprints, hashes -----------------===//
#include "runtime/io/file.h"

#include "runtime/core/checked.h"
#include "runtime/core/hash.h"
#include "runtime/io/fingerprint.h"
#include "runtime/io/path.h"
#include "tests/runtime/io/temporary_directory.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

size_t filesIn(const TemporaryDirectory &folder) {
  return std::distance(fs::directory_iterator(folder.path()),
                       fs::directory_iterator());
}

TEST(File, ReadsRangesAndChecksThem) {
  TemporaryDirectory folder;
  folder.write("f", "0123456789");
  auto file = File::open(folder.file("f"));
  ASSERT_TRUE(file) << file.status().message();
  EXPECT_EQ(file->size(), 10u);
  std::byte four[4];
  ASSERT_TRUE(file->read(6, four).isOk());
  EXPECT_EQ(std::string_view(reinterpret_cast<char *>(four), 4), "6789");
  EXPECT_TRUE(file->read(10, std::span<std::byte>()).isOk());
  expectLine(file->read(7, four).message(), {"/f", "4 bytes at offset 7"});
  expectLine(file->read(~uint64_t(0), four).message(), {"offset 184467440"});
}

TEST(File, NoticesShrinking) {
  TemporaryDirectory folder;
  folder.write("f", std::string(8192, 'x'));
  auto file = File::open(folder.file("f"));
  ASSERT_TRUE(file);
  fs::resize_file(folder.file("f"), 5000);
  std::vector<std::byte> bytes(8192);
  expectLine(file->read(0, bytes).message(),
             {"/f", "ends at byte 5000", "expected 8192", "shrunk"});
}

TEST(File, RefusesWhatIsNoFile) {
  TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  expectLine(File::open(folder.file("pipe")).status().message(),
             {"pipe", "special file", "expected a regular file"});
  expectLine(File::open(folder.path()).status().message(), {"a directory"});
  auto missing = File::open(folder.file("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.status().code(), ErrorCode::NotFound);
  expectLine(missing.status().message(), {"none", "No such file"});
  folder.write("big", "12345");
  expectLine(readTextFile(folder.file("big"), 4).status().message(),
             {"big", "5 bytes", "at most 4"});
  EXPECT_EQ(*readTextFile(folder.file("big")), "12345");
}

TEST(NewFile, AppearsWholeOrNotAtAll) {
  TemporaryDirectory folder;
  {
    auto file = NewFile::create(folder.file("out"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append("half").isOk());
    EXPECT_FALSE(fs::exists(folder.file("out")));
  }
  EXPECT_EQ(filesIn(folder), 0u) << "an unfinished file was left behind";
  ASSERT_TRUE(writeFile(folder.file("out"), "one").isOk());
  ASSERT_TRUE(writeFile(folder.file("out"), "two").isOk());
  EXPECT_EQ(*readTextFile(folder.file("out")), "two");
  EXPECT_EQ(filesIn(folder), 1u);
  expectLine(writeFile(folder.file("no/out"), "x").message(),
             {"no/out", "cannot create"});
}

TEST(ResolveInside, LetsThroughWhatLiesInside) {
  TemporaryDirectory folder;
  folder.write("model/a.safetensors", "x");
  folder.write("model/sub/b.safetensors", "x");
  fs::create_symlink("a.safetensors", folder.file("model/link"));
  const std::string model = folder.file("model");
  for (const char *name : {"a.safetensors", "sub/b.safetensors", "link"}) {
    auto path = resolveInside(model, name, "index.json");
    ASSERT_TRUE(path) << path.status().message();
    EXPECT_EQ(*path, model + "/" + name);
  }
  // The Hugging Face cache, seen through its own symbolic links.
  folder.write("hub/blobs/abc", "x");
  fs::create_directories(folder.file("hub/snapshots/rev"));
  fs::create_symlink("../../blobs/abc", folder.file("hub/snapshots/rev/m"));
  EXPECT_TRUE(resolveInside(folder.file("hub/snapshots/rev"), "m", "i"));
}

TEST(ResolveInside, RefusesTheRestByName) {
  TemporaryDirectory folder;
  folder.write("model/a", "x");
  folder.write("model-secret", "x");
  folder.write("secret", "x");
  fs::create_symlink("../secret", folder.file("model/out"));
  fs::create_symlink("../model-secret", folder.file("model/sibling"));
  fs::create_symlink("loop", folder.file("model/loop"));
  fs::create_directory_symlink("..", folder.file("model/up"));
  struct Bad {
    std::string name;
    const char *says;
  };
  const Bad cases[] = {{"", "an empty name"},
                       {"/etc/passwd", "an absolute path"},
                       {"../secret", "'..' component"},
                       {"sub/../../secret", "'..' component"},
                       {"./a", "'.' or"},
                       {"sub//a", "empty path component"},
                       {"a/", "empty path component"},
                       {std::string("a\0b", 3), "control character"},
                       {"a\nb", "control character"},
                       {"..\\secret", "backslash"},
                       {std::string(2000, 'a'), "1024 bytes"},
                       {"none", "cannot be opened"},
                       {"out", "a symbolic link to"},
                       {"sibling", "a symbolic link to"},
                       {"loop", "cannot be opened"},
                       {"up/secret", "a symbolic link to"}};
  for (const Bad &bad : cases) {
    SCOPED_TRACE(bad.name);
    auto path = resolveInside(folder.file("model"), bad.name, "index.json");
    ASSERT_FALSE(path) << *path;
    expectLine(path.status().message(), {"index.json", bad.says});
  }
}

TEST(Fingerprint, DependsOnEverything) {
  std::vector<FileIdentity> files = {{"a", 10, 1}, {"b", 20, 2}};
  const uint64_t whole = fingerprint(files);
  EXPECT_EQ(whole, fingerprint(files));
  for (int change = 0; change < 4; ++change) {
    auto other = files;
    if (change == 0)
      other[1].path = "c";
    if (change == 1)
      other[1].bytes = 21;
    if (change == 2)
      other[0].headerHash = 3;
    if (change == 3)
      other.pop_back();
    EXPECT_NE(whole, fingerprint(other)) << change;
  }
  // The bounds between fields count: "a" + "b" is not "ab".
  EXPECT_NE(fingerprint(std::vector<FileIdentity>{{"ab", 0, 0}}),
            fingerprint(std::vector<FileIdentity>{{"a", 'b', 0}}));
}

TEST(Hash64, IsXxh3AndStreams) {
  // The published XXH3-64 of no bytes.
  EXPECT_EQ(hash64(""), 0x2D06800538D394C2u);
  const std::string text(1000, 'q');
  Hash64 pieces;
  pieces.update(std::string_view(text).substr(0, 7));
  pieces.update(std::string_view(text).substr(7));
  EXPECT_EQ(pieces.digest(), hash64(text));
}

TEST(Checked, RefusesOverflow) {
  constexpr uint64_t kMost = ~uint64_t(0);
  EXPECT_EQ(checkedAdd(kMost - 1, 1), kMost);
  EXPECT_EQ(checkedAdd(kMost, 1), std::nullopt);
  EXPECT_EQ(checkedMul(uint64_t(1) << 32, (uint64_t(1) << 32) - 1),
            kMost - (uint64_t(1) << 32) + 1);
  EXPECT_EQ(checkedMul(uint64_t(1) << 32, uint64_t(1) << 32), std::nullopt);
  EXPECT_EQ(checkedAlign(257, 256), 512u);
  EXPECT_EQ(checkedAlign(kMost, 256), std::nullopt);
  EXPECT_TRUE(insideOf(10, 0, 10));
  EXPECT_FALSE(insideOf(11, 0, 10));
  EXPECT_FALSE(insideOf(1, kMost, 10));
}

} // namespace
} // namespace sluice
