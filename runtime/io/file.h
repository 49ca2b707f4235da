//===- file.h - Files that may change under us ------------------*- C++ -*-===//
//
// Weights are read with pread, not through a mapping: a file that shrinks while
// it is read is an error here, where a mapping would end the process with
// SIGBUS.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// A regular file open for reading. Owns its descriptor; may be moved, not
/// copied. read() may be called from several threads at once.
class File {
public:
  /// Refuses what is not a regular file (a pipe would block for ever).
  static Result<File> open(const std::string &path);
  File(File &&other) noexcept;
  File &operator=(File &&other) noexcept;
  ~File();

  const std::string &path() const { return name; }
  /// Bytes the file had when it was opened.
  uint64_t size() const { return length; }
  int descriptor() const { return fd; }

  /// Fills `to` from byte `offset`. Asking beyond size() is an error, and so is
  /// a file that has become shorter since it was opened.
  Status read(uint64_t offset, std::span<std::byte> to) const;

private:
  File(std::string path, int fd, uint64_t size)
      : name(std::move(path)), fd(fd), length(size) {}

  std::string name;
  int fd = -1;
  uint64_t length = 0;
};

/// The whole of a small file. More than `maxBytes` is an error.
Result<std::string> readTextFile(const std::string &path,
                                 uint64_t maxBytes = uint64_t(64) << 20);

/// A file that appears whole or not at all: it is written beside its place
/// under another name and renamed by commit(). Without commit() the
/// destructor removes it.
class NewFile {
public:
  static Result<NewFile> create(const std::string &path);
  NewFile(NewFile &&other) noexcept;
  NewFile &operator=(NewFile &&other) = delete;
  ~NewFile();

  Status append(const void *data, size_t bytes);
  Status append(std::string_view text) {
    return append(text.data(), text.size());
  }
  uint64_t written() const { return length; }
  /// Makes the file visible under its path. Nothing may follow.
  Status commit();

private:
  NewFile(std::string path, std::string beside, int fd)
      : name(std::move(path)), beside(std::move(beside)), fd(fd) {}

  std::string name, beside;
  int fd = -1;
  uint64_t length = 0;
};

/// create, append, commit in one call.
Status writeFile(const std::string &path, std::string_view content);

} // namespace sluice
