//===- weight_files.h - Reads past the page cache ---------------*- C++ -*-===//
//
// Weights that stay in host memory are read directly (O_DIRECT): through the
// page cache they would lie there twice. A file system may refuse that (tmpfs
// does); then reads are ordinary ones and the page cache is told to drop what
// it read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/io/file.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// Where direct reads begin and end, in files and in memory.
inline constexpr uint64_t kReadBlock = 4096;

/// Aligned memory for reads, of a size that is rounded up to whole blocks.
class ReadBuffer {
public:
  ReadBuffer() = default;
  /// Empty when there is no memory.
  explicit ReadBuffer(uint64_t bytes);
  std::span<std::byte> bytes() const { return {memory.get(), size}; }

private:
  struct Free {
    void operator()(std::byte *memory) const;
  };
  std::unique_ptr<std::byte, Free> memory;
  uint64_t size = 0;
};

/// The files of a checkpoint. Owns descriptors of its own. read() and the
/// getters may be called from several threads at once.
class WeightFiles {
public:
  enum class Mode { Direct, Cached };

  WeightFiles() = default;
  /// Keeps nothing of `files`. With Mode::Direct each file is tried; those that
  /// refuse are read through the page cache and dropped from it, which one line
  /// on stderr says.
  static Result<WeightFiles> open(std::span<const File> files, Mode mode);

  size_t count() const { return files.size(); }
  const std::string &path(uint32_t file) const { return files[file]->path; }
  uint64_t size(uint32_t file) const { return files[file]->bytes; }
  bool isDirect(uint32_t file) const {
    return files[file]->direct.load(std::memory_order_relaxed);
  }
  /// For reads of whole blocks when isDirect, else for any.
  int descriptor(uint32_t file) const {
    return isDirect(file) ? files[file]->directFd : files[file]->cachedFd;
  }
  /// A direct read was refused with `error` although the first had worked: from
  /// now on the file is read through the page cache. One line on stderr.
  void refuseDirect(uint32_t file, int error) const;
  /// Tells the page cache to drop a range that was read through it.
  void drop(uint32_t file, uint64_t offset, uint64_t bytes) const;

  /// Corrupt when the range is not inside the file.
  Status check(uint32_t file, uint64_t offset, uint64_t bytes) const;

  /// Reads [offset, offset + bytes) and returns where it lies in `scratch`,
  /// which starts at a block and has room for `bytes` and two blocks. Errors
  /// name the file, what was found and expected: Corrupt for a range that is
  /// not inside the file, Io for a refused read and for a file that has shrunk.
  Result<const std::byte *> read(uint32_t file, uint64_t offset, uint64_t bytes,
                                 std::span<std::byte> scratch) const;

  /// What is wrong when reading [offset, ...) was refused, or ended at byte
  /// `end` of the file. One line.
  Status refused(uint32_t file, uint64_t offset, int error) const;
  Status endsAt(uint32_t file, uint64_t end) const;

private:
  struct Opened {
    std::string path;
    uint64_t bytes = 0;
    int cachedFd = -1, directFd = -1;
    bool dropsCached = false;
    std::atomic<bool> direct{false};
    ~Opened();
  };
  std::vector<std::unique_ptr<Opened>> files;
};

/// Whether a direct read that failed with this errno should be tried again as
/// an ordinary one: the file system or the memory cannot do it.
bool isDirectRefusal(int error);

} // namespace sluice
