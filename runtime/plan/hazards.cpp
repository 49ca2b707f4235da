//===- hazards.cpp - A race detector for schedules ------------------------===//

#include "runtime/plan/hazards.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_map>

namespace sluice::plan {
namespace {

/// Who makes accesses: the streams, the host's worker, the host itself.
constexpr uint8_t kWorker = kStreamCount, kHost = kStreamCount + 1;
constexpr int kActors = kStreamCount + 2;
/// Those whose accesses take time. What the host does itself is finished before
/// it enqueues anything else, so nothing ever has to wait for it.
constexpr int kTimed = kStreamCount + 1;

/// How many steps of each stream and of the worker are known to be finished.
using Clock = std::array<uint32_t, kTimed>;

void join(Clock &clock, const Clock &other) {
  for (size_t i = 0; i < clock.size(); ++i)
    clock[i] = std::max(clock[i], other[i]);
}

uint8_t actorOf(const HazardStep &step) {
  switch (step.kind) {
  case HazardStep::Kind::Host:
  case HazardStep::Kind::HostWait:
    return kHost;
  case HazardStep::Kind::HostWork:
    return kWorker;
  default:
    return step.stream;
  }
}

/// A step that touched some bytes: where it stands on its stream (from 1), or
/// position 0 for what is finished for everyone: before the schedule, or by the
/// host itself.
struct Touch {
  uint32_t step = kNoStep;
  uint32_t position = 0;
};

/// Bytes with one history.
struct Segment {
  uint64_t end = 0;
  uint32_t owner = 0; ///< The buffer through which they were written last.
  uint8_t writerStream = 0;
  Touch writer;
  std::array<Touch, kTimed> readers; ///< Since the last write.
};

class Detector {
public:
  explicit Detector(const Schedule &schedule)
      : schedule(schedule), written(schedule.buffers.size()),
        recorded(schedule.events), snapshots(schedule.events) {}

  std::optional<Hazard> run();

private:
  using Memory = std::map<uint64_t, Segment>;

  std::optional<Hazard> placePreset();
  std::optional<Hazard> step(uint32_t index);
  std::optional<Hazard> synchronize(uint32_t index);
  std::optional<Hazard> aliasing(uint32_t index);
  std::optional<Hazard> read(uint32_t index, const HazardAccess &access);
  std::optional<Hazard> write(uint32_t index, const HazardAccess &access);
  std::optional<Hazard> checkKept();

  /// Cuts the segment that holds `at` in two, so that one begins there.
  static void splitAt(Memory &memory, uint64_t at);
  /// True when a step at `position` of `from` is finished before the next step
  /// of `to` starts.
  bool ordered(uint8_t from, uint32_t position, uint8_t to) const {
    return from == to || position <= clocks[to][from];
  }
  /// The next step of `actor`.
  Touch touch(uint32_t index, uint8_t actor) const {
    return {index, actor == kHost ? 0 : clocks[actor][actor] + 1};
  }
  /// What the host knows holds for all that it enqueues from here on.
  void tellEveryone() {
    for (Clock &clock : clocks)
      join(clock, clocks[kHost]);
  }

  const Schedule &schedule;
  std::unordered_map<uint32_t, Memory> arenas;
  std::array<Clock, kActors> clocks = {};
  std::vector<bool> written; ///< Whether anything wrote through the buffer.
  std::vector<bool> recorded;
  std::vector<const HazardAccess *> sorted; ///< Of one step.
  std::vector<Clock> snapshots; ///< The recording stream's clock, by event.
};

void Detector::splitAt(Memory &memory, uint64_t at) {
  auto next = memory.upper_bound(at);
  if (next == memory.begin())
    return;
  auto &[start, segment] = *std::prev(next);
  if (start == at || segment.end <= at)
    return;
  memory.emplace_hint(next, at, segment);
  segment.end = at;
}

std::optional<Hazard> Detector::placePreset() {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < schedule.buffers.size(); ++i)
    if (schedule.buffers[i].preset && schedule.buffers[i].bytes > 0)
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const HazardBuffer &x = schedule.buffers[a], &y = schedule.buffers[b];
    return std::tie(x.arena, x.offset, a) < std::tie(y.arena, y.offset, b);
  });
  for (uint32_t index : order) {
    const HazardBuffer &buffer = schedule.buffers[index];
    Memory &memory = arenas[buffer.arena];
    if (!memory.empty() && memory.rbegin()->second.end > buffer.offset)
      return Hazard{Hazard::Kind::Overlap, kNoStep, kNoStep, index,
                    memory.rbegin()->second.owner};
    Segment segment;
    segment.end = buffer.offset + buffer.bytes;
    segment.owner = index;
    memory.emplace_hint(memory.end(), buffer.offset, segment);
    written[index] = true;
  }
  return std::nullopt;
}

std::optional<Hazard> Detector::read(uint32_t index,
                                     const HazardAccess &access) {
  const HazardBuffer &buffer = schedule.buffers[access.buffer];
  uint8_t actor = actorOf(schedule.steps[index]);
  uint64_t begin = buffer.offset + access.offset, end = begin + access.bytes;
  Memory &memory = arenas[buffer.arena];
  splitAt(memory, begin);
  splitAt(memory, end);
  uint64_t covered = begin;
  for (auto it = memory.lower_bound(begin); it != memory.end() && covered < end;
       ++it) {
    Segment &segment = it->second;
    if (it->first != covered)
      break;
    if (segment.owner != access.buffer) {
      Hazard::Kind kind = written[access.buffer]
                              ? Hazard::Kind::Overwritten
                              : Hazard::Kind::ReadBeforeWrite;
      return Hazard{kind, index, segment.writer.step, access.buffer,
                    segment.owner};
    }
    if (!ordered(segment.writerStream, segment.writer.position, actor))
      return Hazard{Hazard::Kind::Race, index, segment.writer.step,
                    access.buffer, segment.owner};
    if (actor != kHost)
      segment.readers[actor] = touch(index, actor);
    covered = segment.end;
  }
  if (covered < end)
    return Hazard{Hazard::Kind::ReadBeforeWrite, index, kNoStep, access.buffer,
                  access.buffer};
  return std::nullopt;
}

std::optional<Hazard> Detector::write(uint32_t index,
                                      const HazardAccess &access) {
  const HazardBuffer &buffer = schedule.buffers[access.buffer];
  uint8_t actor = actorOf(schedule.steps[index]);
  uint64_t begin = buffer.offset + access.offset, end = begin + access.bytes;
  Memory &memory = arenas[buffer.arena];
  splitAt(memory, begin);
  splitAt(memory, end);
  auto first = memory.lower_bound(begin), last = first;
  for (; last != memory.end() && last->first < end; ++last) {
    const Segment &segment = last->second;
    if (!ordered(segment.writerStream, segment.writer.position, actor))
      return Hazard{Hazard::Kind::Race, index, segment.writer.step,
                    access.buffer, segment.owner};
    for (uint8_t reader = 0; reader < kTimed; ++reader)
      if (!ordered(reader, segment.readers[reader].position, actor))
        return Hazard{Hazard::Kind::Race, index, segment.readers[reader].step,
                      access.buffer, segment.owner};
  }
  memory.erase(first, last);
  Segment segment;
  segment.end = end;
  segment.owner = access.buffer;
  segment.writerStream = actor;
  segment.writer = touch(index, actor);
  memory.emplace(begin, segment);
  written[access.buffer] = true;
  return std::nullopt;
}

// Nothing orders the accesses of one step against each other.
std::optional<Hazard> Detector::aliasing(uint32_t index) {
  const HazardStep &step = schedule.steps[index];
  auto begin = [&](const HazardAccess &access) {
    return schedule.buffers[access.buffer].offset + access.offset;
  };
  auto arena = [&](const HazardAccess &access) {
    return schedule.buffers[access.buffer].arena;
  };
  sorted.clear();
  for (uint32_t i = 0; i < step.accessCount; ++i)
    if (schedule.accesses[step.firstAccess + i].bytes > 0)
      sorted.push_back(&schedule.accesses[step.firstAccess + i]);
  std::sort(sorted.begin(), sorted.end(), [&](auto *a, auto *b) {
    return std::tuple(arena(*a), begin(*a)) < std::tuple(arena(*b), begin(*b));
  });
  // The access, and the writing one, that reach furthest so far.
  const HazardAccess *reach = nullptr, *written = nullptr;
  for (const HazardAccess *access : sorted) {
    auto overlaps = [&](const HazardAccess *before) {
      return before && arena(*before) == arena(*access) &&
             begin(*before) + before->bytes > begin(*access);
    };
    const HazardAccess *other = access->writes ? reach : written;
    if (overlaps(other))
      return Hazard{Hazard::Kind::Aliasing, index, index, access->buffer,
                    other->buffer};
    auto further = [&](const HazardAccess *before) {
      return !overlaps(before) ||
             begin(*before) + before->bytes < begin(*access) + access->bytes;
    };
    if (further(reach))
      reach = access;
    if (access->writes && further(written))
      written = access;
  }
  return std::nullopt;
}

/// The events of the step.
std::optional<Hazard> Detector::synchronize(uint32_t index) {
  const HazardStep &step = schedule.steps[index];
  using Kind = HazardStep::Kind;
  if (step.kind == Kind::Record) {
    if (recorded[step.event])
      return Hazard{Hazard::Kind::RecordedTwice, index};
    recorded[step.event] = true;
    snapshots[step.event] = clocks[step.stream];
  } else if (step.kind == Kind::Wait || step.kind == Kind::HostWait) {
    if (!recorded[step.event])
      return Hazard{Hazard::Kind::WaitBeforeRecord, index};
    join(clocks[actorOf(step)], snapshots[step.event]);
  } else if (step.kind == Kind::Join) {
    join(clocks[step.stream], clocks[kWorker]);
  }
  if (step.kind == Kind::HostWait)
    tellEveryone();
  return std::nullopt;
}

std::optional<Hazard> Detector::step(uint32_t index) {
  const HazardStep &step = schedule.steps[index];
  if (auto hazard = synchronize(index))
    return hazard;
  if (step.kind == HazardStep::Kind::Record ||
      step.kind == HazardStep::Kind::Wait)
    return std::nullopt;
  if (auto hazard = aliasing(index))
    return hazard;
  // Reads first: a step reads what was there before it writes.
  for (bool writes : {false, true})
    for (uint32_t i = 0; i < step.accessCount; ++i) {
      const HazardAccess &access = schedule.accesses[step.firstAccess + i];
      if (access.bytes == 0 || !(writes ? access.writes : access.reads))
        continue;
      if (auto hazard = writes ? write(index, access) : read(index, access))
        return hazard;
    }
  if (uint8_t actor = actorOf(step); actor != kHost)
    ++clocks[actor][actor];
  return std::nullopt;
}

std::optional<Hazard> Detector::checkKept() {
  for (uint32_t index = 0; index < schedule.buffers.size(); ++index) {
    const HazardBuffer &buffer = schedule.buffers[index];
    if (!buffer.kept)
      continue;
    const Memory &memory = arenas[buffer.arena];
    uint64_t covered = buffer.offset, end = buffer.offset + buffer.bytes;
    auto it = memory.upper_bound(covered);
    if (it != memory.begin())
      --it;
    for (; it != memory.end() && covered < end; ++it) {
      if (it->second.end <= covered)
        continue;
      if (it->first > covered)
        break;
      if (it->second.owner != index)
        return Hazard{Hazard::Kind::Lost, kNoStep, it->second.writer.step,
                      index, it->second.owner};
      covered = it->second.end;
    }
    if (covered < end)
      return Hazard{Hazard::Kind::Lost, kNoStep, kNoStep, index, index};
  }
  return std::nullopt;
}

std::optional<Hazard> Detector::run() {
  if (auto hazard = placePreset())
    return hazard;
  for (uint32_t index = 0; index < schedule.steps.size(); ++index)
    if (auto hazard = step(index))
      return hazard;
  return checkKept();
}

} // namespace

std::optional<Hazard> findHazard(const Schedule &schedule) {
  return Detector(schedule).run();
}

const char *describe(Hazard::Kind kind) {
  switch (kind) {
  case Hazard::Kind::RecordedTwice:
    return "records an event that is recorded already";
  case Hazard::Kind::WaitBeforeRecord:
    return "waits for an event that is not recorded yet";
  case Hazard::Kind::Race:
    return "is not ordered by an event after an earlier access of the same "
           "bytes on another stream";
  case Hazard::Kind::Aliasing:
    return "writes bytes that it also accesses through another operand";
  case Hazard::Kind::ReadBeforeWrite:
    return "reads what nothing has written";
  case Hazard::Kind::Overwritten:
    return "reads what another buffer has overwritten";
  case Hazard::Kind::Overlap:
    return "overlaps another buffer that holds data at the same time";
  case Hazard::Kind::Lost:
    return "does not hold its data at the end";
  }
  return "is not known";
}

} // namespace sluice::plan
