//===- temporary_directory.h - A folder that goes with the test -*- C++ -*-===//
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sluice::testing {

/// A fresh directory, removed with everything in it at the end.
class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::string pattern = ::testing::TempDir() + "sluice-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr) << pattern;
    root = std::filesystem::canonical(pattern).string();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(root); }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

  const std::string &path() const { return root; }
  std::string file(std::string_view name) const {
    return root + "/" + std::string(name);
  }
  /// Writes `content` and then zeros (a hole) up to `bytes`.
  void write(std::string_view name, std::string_view content,
             uint64_t bytes = 0) const {
    const std::string target = file(name);
    std::filesystem::create_directories(
        std::filesystem::path(target).parent_path());
    std::ofstream(target, std::ios::binary) << content;
    if (bytes > content.size())
      std::filesystem::resize_file(target, bytes);
  }

private:
  std::string root;
};

/// One clear line that holds every one of `parts`.
inline void expectLine(std::string_view message,
                       std::initializer_list<std::string_view> parts) {
  EXPECT_FALSE(message.empty());
  EXPECT_LT(message.size(), 700u) << message;
  for (unsigned char c : message)
    EXPECT_GE(c, 0x20) << "a control character in: " << message;
  for (std::string_view part : parts)
    EXPECT_NE(message.find(part), std::string_view::npos)
        << "expected '" << part << "' in: " << message;
}

} // namespace sluice::testing
