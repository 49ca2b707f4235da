//===- read_request.cpp - An expert on its way from disk ------------------===//

#include "runtime/experts/disk/read_request.h"

#include "runtime/core/fault.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::experts {
namespace {

/// Reads that come to nothing are tried so often: never for ever.
constexpr uint32_t kMostTries = 1000;

bool isTransient(int64_t error) {
  return error == EINTR || error == EAGAIN || error == ECANCELED;
}

} // namespace

void ReadRequest::reserve(uint32_t runs, uint32_t parts) {
  progress.reserve(runs);
  vectors.reserve(parts);
}

void ReadRequest::begin(const ReadList &list, const WeightFiles &files,
                        std::byte *place, std::byte *scratch) {
  this->list = list;
  this->files = &files;
  this->place = place;
  this->scratch = scratch;
  vectors.clear();
  for (const ReadPart &part : list.parts)
    vectors.push_back(
        {(part.scratch ? scratch : place) + part.offset, part.bytes});
  progress.assign(list.runs.size(), {});
  for (uint32_t i = 0; i < list.runs.size(); ++i)
    progress[i].part = list.runs[i].firstPart;
  left = uint32_t(list.runs.size());
  failure = Status::ok();
}

ReadRequest::Read ReadRequest::next(uint32_t run) const {
  const ReadRun &what = list.runs[run];
  const Progress &state = progress[run];
  return {files->descriptor(what.file), vectors.data() + state.part,
          what.firstPart + what.parts - state.part, what.offset + state.done,
          files->isDirect(what.file)};
}

void ReadRequest::advance(uint32_t run, uint64_t bytes) {
  Progress &state = progress[run];
  state.done += bytes;
  while (bytes > 0) {
    iovec &vector = vectors[state.part];
    const uint64_t taken = std::min<uint64_t>(bytes, vector.iov_len);
    vector.iov_base = static_cast<std::byte *>(vector.iov_base) + taken;
    vector.iov_len -= taken;
    bytes -= taken;
    if (vector.iov_len == 0)
      ++state.part;
  }
}

bool ReadRequest::fail(uint32_t run, Status status) {
  if (failure.isOk())
    failure = std::move(status);
  progress[run].over = true;
  --left;
  return true;
}

bool ReadRequest::finished(uint32_t run, int64_t result) {
  const ReadRun &what = list.runs[run];
  Progress &state = progress[run];
  const bool direct = files->isDirect(what.file);
  if (faultHits(Fault::Read))
    result = -EIO;
  if (result < 0) {
    const int error = int(-result);
    if (direct && isDirectRefusal(error)) {
      files->refuseDirect(what.file, error);
      return false;
    }
    // Another run of the file may have been refused first.
    if ((isTransient(error) || isDirectRefusal(error)) &&
        ++state.tries < kMostTries)
      return false;
    return fail(run,
                files->refused(what.file, what.offset + state.done, error));
  }
  uint64_t got = uint64_t(result);
  if (got >= 2 * kReadBlock && faultHits(Fault::Short))
    got = got / 2 / kReadBlock * kReadBlock;
  if (state.done + got >= what.need) {
    if (!direct)
      files->drop(what.file, what.offset, what.need);
    state.over = true;
    return --left, true;
  }
  // A direct read stops inside a block only where the file does.
  if (got == 0 || (direct && got % kReadBlock != 0))
    return fail(run, files->endsAt(what.file, what.offset + state.done + got));
  advance(run, got);
  return false;
}

Status ReadRequest::finish() {
  if (!failure.isOk())
    return std::move(failure);
  for (const ReadMove &move : list.moves)
    std::memcpy(place + move.to, scratch + move.from, move.bytes);
  return Status::ok();
}

} // namespace sluice::experts
