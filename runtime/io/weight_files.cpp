//===- weight_files.cpp - Reads past the page cache -----------------------===//

#include "runtime/io/weight_files.h"

#include "runtime/core/checked.h"
#include "runtime/core/fault.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice {
namespace {

/// The kernel moves at most this much in one call.
constexpr uint64_t kMostPerCall = uint64_t(1) << 30;

uint64_t blockOf(uint64_t offset) { return offset / kReadBlock * kReadBlock; }

/// A second descriptor of the same file, for direct reads; -1 with errno when
/// that is refused. One block is read, since some file systems refuse only
/// then.
int openDirect(const File &file) {
  if (faultHits(Fault::Direct)) {
    errno = EINVAL;
    return -1;
  }
  // By the descriptor, not by the name: a name may mean another file by now.
  std::string self = "/proc/self/fd/" + std::to_string(file.descriptor());
  int fd = ::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (fd < 0)
    return -1;
  ReadBuffer block(kReadBlock);
  ssize_t got = -1;
  errno = ENOMEM;
  if (!block.bytes().empty())
    got = ::pread(fd, block.bytes().data(), kReadBlock, 0);
  if (got < 0) {
    int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

} // namespace

bool isDirectRefusal(int error) {
  return error == EINVAL || error == EFAULT || error == EOPNOTSUPP;
}

ReadBuffer::ReadBuffer(uint64_t bytes) {
  auto rounded = checkedAlign(bytes, kReadBlock);
  if (!rounded || *rounded == 0)
    return;
  memory.reset(
      static_cast<std::byte *>(std::aligned_alloc(kReadBlock, *rounded)));
  size = memory ? *rounded : 0;
}

void ReadBuffer::Free::operator()(std::byte *memory) const {
  std::free(memory);
}

WeightFiles::Opened::~Opened() {
  if (cachedFd >= 0)
    ::close(cachedFd);
  if (directFd >= 0)
    ::close(directFd);
}

Result<WeightFiles> WeightFiles::open(std::span<const File> files, Mode mode) {
  WeightFiles opened;
  size_t refusals = 0;
  std::string firstRefusal;
  for (const File &file : files) {
    auto one = std::make_unique<Opened>();
    one->path = file.path();
    one->bytes = file.size();
    one->cachedFd = ::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
    if (one->cachedFd < 0)
      return Status(ErrorCode::Io,
                    file.path() + ": cannot open: " + std::strerror(errno));
    if (mode == Mode::Direct) {
      one->dropsCached = true;
      one->directFd = openDirect(file);
      one->direct = one->directFd >= 0;
      if (!one->direct && ++refusals == 1)
        firstRefusal = file.path() + ": " + std::strerror(errno);
    }
    opened.files.push_back(std::move(one));
  }
  if (refusals > 0)
    std::fprintf(stderr,
                 "direct reads are refused for %zu of %zu weight files (%s); "
                 "they are read through the page cache, which drops them\n",
                 refusals, files.size(), firstRefusal.c_str());
  return opened;
}

void WeightFiles::refuseDirect(uint32_t file, int error) const {
  if (files[file]->direct.exchange(false))
    std::fprintf(stderr,
                 "%s: a direct read is refused (%s); the file is read through "
                 "the page cache, which drops it\n",
                 path(file).c_str(), std::strerror(error));
}

void WeightFiles::drop(uint32_t file, uint64_t offset, uint64_t bytes) const {
  if (files[file]->dropsCached)
    (void)::posix_fadvise(files[file]->cachedFd, off_t(offset), off_t(bytes),
                          POSIX_FADV_DONTNEED);
}

Status WeightFiles::refused(uint32_t file, uint64_t offset, int error) const {
  return Status(ErrorCode::Io, path(file) + ": cannot read at byte " +
                                   std::to_string(offset) + ": " +
                                   std::strerror(error));
}

Status WeightFiles::endsAt(uint32_t file, uint64_t end) const {
  return Status(ErrorCode::Io,
                path(file) + ": ends at byte " + std::to_string(end) +
                    ", expected " + std::to_string(size(file)) +
                    " bytes: the file has shrunk since it was opened");
}

Status WeightFiles::check(uint32_t file, uint64_t offset,
                          uint64_t bytes) const {
  if (file >= count())
    return Status(ErrorCode::Corrupt, "found file " + std::to_string(file) +
                                          ", expected one of " +
                                          std::to_string(count()));
  if (insideOf(offset, bytes, size(file)))
    return Status::ok();
  return Status(ErrorCode::Corrupt,
                path(file) + ": asked for " + std::to_string(bytes) +
                    " bytes at offset " + std::to_string(offset) +
                    ", expected a range inside the " +
                    std::to_string(size(file)) + " bytes of the file");
}

Result<const std::byte *>
WeightFiles::read(uint32_t file, uint64_t offset, uint64_t bytes,
                  std::span<std::byte> scratch) const {
  SLUICE_RETURN_IF_ERROR(check(file, offset, bytes));
  // The whole blocks around the range; the last may reach beyond the file.
  const uint64_t begin = blockOf(offset);
  const uint64_t need = offset + bytes - begin;
  uint64_t done = 0;
  while (done < need) {
    const bool direct = isDirect(file);
    uint64_t want = (need + kReadBlock - 1) / kReadBlock * kReadBlock - done;
    ssize_t got =
        faultHits(Fault::Read)
            ? (errno = EIO, -1)
            : ::pread(descriptor(file), scratch.data() + done,
                      std::min(want, kMostPerCall), off_t(begin + done));
    if (got < 0) {
      if (errno == EINTR)
        continue;
      if (direct && isDirectRefusal(errno)) {
        refuseDirect(file, errno);
        continue;
      }
      return refused(file, begin + done, errno);
    }
    if (uint64_t(got) >= 2 * kReadBlock && faultHits(Fault::Short))
      got = ssize_t(blockOf(uint64_t(got) / 2));
    done += uint64_t(got);
    if (done >= need)
      break;
    // A direct read stops inside a block only where the file does.
    if (got == 0 || (direct && done % kReadBlock != 0))
      return endsAt(file, begin + done);
  }
  if (!isDirect(file))
    drop(file, begin, need);
  return scratch.data() + (offset - begin);
}

} // namespace sluice
