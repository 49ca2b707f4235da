//===- file.cpp - Files that may change under us --------------------------===//
#include "runtime/io/file.h"

#include "runtime/core/checked.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluice {
namespace {

Status systemError(const std::string &path, const char *verb) {
  const int error = errno;
  return Status(error == ENOENT || error == ENOTDIR ? ErrorCode::NotFound
                                                    : ErrorCode::Io,
                path + ": cannot " + verb + ": " + std::strerror(error));
}

/// The kernel moves at most this much in one call.
constexpr size_t kMostPerCall = size_t(1) << 30;

} // namespace

Result<File> File::open(const std::string &path) {
  // Non-blocking, so that a pipe is opened, seen and refused; regular files
  // do not care.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return systemError(path, "open");
  struct stat info = {};
  if (::fstat(fd, &info) != 0) {
    Status status = systemError(path, "examine");
    ::close(fd);
    return status;
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return Status(
        ErrorCode::Io,
        path + ": found " +
            (S_ISDIR(info.st_mode) ? "a directory" : "a special file") +
            ", expected a regular file");
  }
  return File(path, fd, static_cast<uint64_t>(info.st_size));
}

File::File(File &&other) noexcept
    : name(std::move(other.name)), fd(std::exchange(other.fd, -1)),
      length(std::exchange(other.length, 0)) {}

File &File::operator=(File &&other) noexcept {
  std::swap(name, other.name);
  std::swap(fd, other.fd);
  std::swap(length, other.length);
  return *this;
}

File::~File() {
  if (fd >= 0)
    ::close(fd);
}

Status File::read(uint64_t offset, std::span<std::byte> to) const {
  if (!insideOf(offset, to.size(), length))
    return Status(ErrorCode::Corrupt,
                  name + ": asked for " + std::to_string(to.size()) +
                      " bytes at offset " + std::to_string(offset) +
                      ", expected a range inside the " +
                      std::to_string(length) + " bytes of the file");
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t got =
        ::pread(fd, to.data() + done, std::min(to.size() - done, kMostPerCall),
                static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR)
        continue;
      return systemError(name, "read");
    }
    if (got == 0)
      return Status(ErrorCode::Io,
                    name + ": ends at byte " + std::to_string(offset + done) +
                        ", expected " + std::to_string(length) +
                        " bytes: the file has shrunk since it was opened");
    done += static_cast<size_t>(got);
  }
  return Status::ok();
}

Result<std::string> readTextFile(const std::string &path, uint64_t maxBytes) {
  SLUICE_ASSIGN_OR_RETURN(File file, File::open(path));
  if (file.size() > maxBytes)
    return Status(ErrorCode::Corrupt,
                  path + ": found " + std::to_string(file.size()) +
                      " bytes, expected at most " + std::to_string(maxBytes));
  std::string text(file.size(), '\0');
  SLUICE_RETURN_IF_ERROR(file.read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

Result<NewFile> NewFile::create(const std::string &path) {
  // The name holds the process and a counter: two writers never share it.
  static std::atomic<uint64_t> counter{0};
  std::string beside = path + ".part-" + std::to_string(::getpid()) + "-" +
                       std::to_string(counter.fetch_add(1));
  const int fd =
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return systemError(path, "create");
  return NewFile(path, std::move(beside), fd);
}

NewFile::NewFile(NewFile &&other) noexcept
    : name(std::move(other.name)), beside(std::move(other.beside)),
      fd(std::exchange(other.fd, -1)), length(std::exchange(other.length, 0)) {}

NewFile::~NewFile() {
  if (fd < 0)
    return;
  ::close(fd);
  ::unlink(beside.c_str());
}

Status NewFile::append(const void *data, size_t bytes) {
  const char *from = static_cast<const char *>(data);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t wrote =
        ::write(fd, from + done, std::min(bytes - done, kMostPerCall));
    if (wrote < 0) {
      if (errno == EINTR)
        continue;
      return systemError(name, "write");
    }
    done += static_cast<size_t>(wrote);
    length += static_cast<uint64_t>(wrote);
  }
  return Status::ok();
}

Status NewFile::commit() {
  // A full disk may only show when the file is closed.
  if (::close(std::exchange(fd, -1)) != 0 ||
      ::rename(beside.c_str(), name.c_str()) != 0) {
    Status status = systemError(name, "write");
    ::unlink(beside.c_str());
    return status;
  }
  return Status::ok();
}

Status writeFile(const std::string &path, std::string_view content) {
  SLUICE_ASSIGN_OR_RETURN(NewFile file, NewFile::create(path));
  SLUICE_RETURN_IF_ERROR(file.append(content));
  return file.commit();
}

} // namespace sluice
