//===- weight_files_test.cpp - Large reads, and weights made up -----------===//

#include "runtime/core/fault.h"
#include "runtime/io/load_progress.h"
#include "runtime/io/parallel.h"
#include "runtime/io/read_pieces.h"
#include "runtime/io/synthetic.h"
#include "runtime/io/weight_files.h"
#include "tests/runtime/io/temporary_directory.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <unistd.h>

namespace sluice::testing {
namespace {

std::string noise(size_t bytes) {
  std::minstd_rand random(1);
  std::string text;
  for (size_t i = 0; i < bytes; ++i)
    text.push_back(char(random()));
  return text;
}

/// One file of noise, opened.
struct Fixture {
  explicit Fixture(size_t bytes, WeightFiles::Mode mode) : text(noise(bytes)) {
    directory.write("w", text);
    file.push_back(std::move(*File::open(directory.file("w"))));
    files = std::move(*WeightFiles::open(file, mode));
  }
  Result<const std::byte *> read(uint64_t offset, uint64_t bytes) {
    buffer = ReadBuffer(bytes + 2 * kReadBlock);
    return files.read(0, offset, bytes, buffer.bytes());
  }
  TemporaryDirectory directory;
  std::string text;
  std::vector<File> file;
  WeightFiles files;
  ReadBuffer buffer;
};

TEST(WeightFiles, ReadsAnyRange) {
  for (const char *faults : {"", "direct", "short", "direct,short"})
    for (auto mode : {WeightFiles::Mode::Direct, WeightFiles::Mode::Cached}) {
      setFaults(faults);
      Fixture f(50001, mode);
      EXPECT_TRUE(mode == WeightFiles::Mode::Direct || !f.files.isDirect(0));
      std::minstd_rand random(5);
      for (int i = 0; i < 200; ++i) {
        uint64_t offset = random() % 50001;
        uint64_t bytes = random() % (50001 - offset) + 1;
        if (i == 0)
          offset = 0, bytes = 50001;
        auto data = f.read(offset, bytes);
        ASSERT_TRUE(data.isOk()) << data.status().message();
        ASSERT_EQ(std::memcmp(*data, f.text.data() + offset, bytes), 0);
      }
      setFaults("");
    }
}

TEST(WeightFiles, NamesWhatIsWrong) {
  Fixture f(20000, WeightFiles::Mode::Direct);
  auto beyond = f.read(19000, 1001);
  ASSERT_FALSE(beyond.isOk());
  EXPECT_EQ(beyond.status().code(), ErrorCode::Corrupt);
  expectLine(beyond.status().message(),
             {f.directory.file("w"), "1001 bytes at offset 19000", "20000"});
  setFaults("read");
  auto broken = f.read(5000, 10);
  setFaults("");
  ASSERT_FALSE(broken.isOk());
  expectLine(broken.status().message(),
             {f.directory.file("w"), "cannot read at byte 4096"});
  for (off_t left : {off_t(12288), off_t(10001), off_t(0)}) {
    ASSERT_EQ(::truncate(f.directory.file("w").c_str(), left), 0);
    auto shrunk = f.read(5000, 12000);
    ASSERT_FALSE(shrunk.isOk());
    expectLine(shrunk.status().message(),
               {f.directory.file("w"), "has shrunk", "expected 20000 bytes"});
  }
}

TEST(ReadPieces, ServeEveryByteOnce) {
  std::minstd_rand random(9);
  std::vector<WantedRange> wanted;
  std::vector<uint64_t> at = {100, 7};
  uint64_t target = 0;
  for (uint32_t i = 0; i < 300; ++i) {
    uint32_t file = random() % 2;
    at[file] += random() % 3 ? 0 : random() % 90000;
    uint64_t bytes = 1 + random() % (i % 20 ? 3000 : 200000);
    wanted.push_back({file, i, at[file], bytes, target, at[file]});
    at[file] += bytes;
    target += bytes;
  }
  std::shuffle(wanted.begin(), wanted.end(), random);
  const uint64_t most = 65536;
  ReadPieces cut = cutIntoPieces(wanted, most);
  std::vector<int> served(target, 0);
  size_t next = 0;
  for (const ReadPiece &piece : cut.pieces) {
    EXPECT_LE(piece.bytes, most);
    EXPECT_EQ(piece.first, next);
    next += piece.count;
    for (const WantedRange &range : cut.of(piece)) {
      EXPECT_EQ(range.file, piece.file);
      EXPECT_GE(range.offset, piece.offset);
      EXPECT_LE(range.offset + range.bytes, piece.offset + piece.bytes);
      EXPECT_EQ((range.offset - range.tensorOffset) % 64, 0u);
      for (uint64_t i = 0; i < range.bytes; ++i)
        ++served[range.target + i];
    }
  }
  EXPECT_EQ(next, cut.ranges.size());
  EXPECT_EQ(std::count(served.begin(), served.end(), 1), int64_t(target));
  EXPECT_LT(cut.pieces.size(), 150u);
}

TEST(Parallel, ReportsTheLowestFailureAndEnds) {
  std::atomic<int> calls{0};
  EXPECT_TRUE(forEachParallel(1000, 4, [&](size_t, unsigned thread) {
    EXPECT_LT(thread, 4u);
    ++calls;
    return Status::ok();
  }));
  EXPECT_EQ(calls, 1000);
  Status status = forEachParallel(1000, 4, [&](size_t i, unsigned) {
    return i >= 10 ? Status(ErrorCode::Io, std::to_string(i)) : Status::ok();
  });
  EXPECT_EQ(status.message(), "10");
  EXPECT_TRUE(forEachParallel(0, 4, [](size_t, unsigned) {
    return Status(ErrorCode::Internal, "called");
  }));
}

TEST(LoadProgress, NeverFallsAndEndsWithAll) {
  std::atomic<uint64_t> last{10};
  bool ended = false;
  LoadProgress::Report report = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    last = done;
    ended = done == total;
  };
  LoadProgress progress(report, 10, 10 + uint64_t(1000) * 100000);
  EXPECT_TRUE(forEachParallel(1000, 4, [&](size_t, unsigned) {
    progress.add(100000);
    return Status::ok();
  }));
  EXPECT_TRUE(ended);
}

TEST(Synthetic, DependsOnThePlaceAlone) {
  std::vector<std::byte> whole(5000), part(700);
  fillSynthetic(whole, 42, 0, StorageType::BF16, SyntheticKind::Matrix);
  fillSynthetic(part, 42, 640, StorageType::BF16, SyntheticKind::Matrix);
  EXPECT_EQ(std::memcmp(part.data(), whole.data() + 640, part.size()), 0);
  fillSynthetic(part, 43, 640, StorageType::BF16, SyntheticKind::Matrix);
  EXPECT_NE(std::memcmp(part.data(), whole.data() + 640, part.size()), 0);
}

TEST(Synthetic, HasTheMagnitudeOfWeights) {
  std::vector<float> values(4096);
  fillSynthetic(std::as_writable_bytes(std::span(values)), 1, 0,
                StorageType::F32, SyntheticKind::Matrix);
  for (float value : values) {
    ASSERT_GE(std::abs(value), 1.0f / 64);
    ASSERT_LT(std::abs(value), 1.0f / 32);
  }
  fillSynthetic(std::as_writable_bytes(std::span(values)), 1, 0,
                StorageType::F32, syntheticKind("model.norm.weight"));
  for (float value : values) {
    ASSERT_GE(value, 1.0f);
    ASSERT_LT(value, 1.0f + 1.0f / 16);
  }
  std::vector<uint16_t> halves(4096);
  fillSynthetic(std::as_writable_bytes(std::span(halves)), 1, 0,
                StorageType::F16, SyntheticKind::Matrix);
  for (uint16_t bits : halves)
    ASSERT_EQ(bits & 0x7c00, 9 << 10) << "f16 of 1/64 to 1/32";
  fillSynthetic(std::as_writable_bytes(std::span(halves)), 1, 0,
                StorageType::F16, SyntheticKind::Norm);
  for (uint16_t bits : halves)
    ASSERT_EQ(bits & 0xffc0, 0x3c00) << "f16 of 1 to 1 + 1/16";
}

TEST(Fault, HappensWhenAsked) {
  setFaults("read:2,pin");
  EXPECT_TRUE(faultHits(Fault::Pin));
  EXPECT_TRUE(faultHits(Fault::Pin));
  EXPECT_FALSE(faultHits(Fault::Read));
  EXPECT_TRUE(faultHits(Fault::Read));
  EXPECT_FALSE(faultHits(Fault::Read));
  EXPECT_FALSE(faultHits(Fault::Uring));
  ::testing::internal::CaptureStderr();
  setFaults("reed,read:0,read:x,direct");
  std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 3) << said;
  EXPECT_TRUE(faultHits(Fault::Direct));
  setFaults("");
  EXPECT_FALSE(faultHits(Fault::Direct));
}

} // namespace
} // namespace sluice::testing
