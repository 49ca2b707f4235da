//===- timeline.cpp - Streams, events and a bus in virtual time -----------===//

#include "runtime/backend/sim/timeline.h"

#include <algorithm>
#include <limits>

namespace sluice::sim {
namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();
} // namespace

void Timeline::reserveEvents(uint32_t count) {
  if (count > latest.size())
    latest.resize(count, kNone);
}

uint32_t Timeline::newRecord() {
  if (unused.empty()) {
    records.emplace_back();
    return uint32_t(records.size() - 1);
  }
  uint32_t record = unused.back();
  unused.pop_back();
  records[record] = {};
  return record;
}

void Timeline::drop(uint32_t record) {
  if (--records[record].uses == 0)
    unused.push_back(record);
}

void Timeline::enqueue(int stream, const Work &work, double now) {
  queues[stream].push_back({Command::Run, now, kNone, work});
}

void Timeline::record(int stream, uint32_t event, double now) {
  uint32_t record = newRecord();
  records[record].uses = 2; // The event's and the command's.
  if (latest[event] != kNone)
    drop(latest[event]);
  latest[event] = record;
  queues[stream].push_back({Command::Record, now, record, {}});
}

void Timeline::wait(int stream, uint32_t event, double now) {
  uint32_t record = latest[event];
  if (record == kNone)
    return;
  ++records[record].uses;
  queues[stream].push_back({Command::Wait, now, record, {}});
}

double Timeline::readyTime(int stream) const {
  if (queues[stream].empty())
    return kNever;
  const Command &command = queues[stream].front();
  double ready = std::max(streamEnd[stream], command.enqueued);
  if (command.kind != Command::Wait)
    return ready;
  const Record &record = records[command.record];
  // The job's end, if nothing begins beside it before; that would be taken
  // first.
  if (command.record == jobEnd)
    return std::max(ready, jobAt + job.us + command.after);
  return record.done ? std::max(ready, record.time + command.after) : kNever;
}

int Timeline::nextStream(double &ready) const {
  int next = -1;
  ready = kNever;
  for (int stream = 0; stream < kStreams; ++stream)
    if (double time = readyTime(stream); time < ready) {
      ready = time;
      next = stream;
    }
  return next;
}

void Timeline::runNext(int stream, double ready) {
  Command command = queues[stream].front();
  queues[stream].pop_front();
  streamEnd[stream] = ready;
  switch (command.kind) {
  case Command::Record:
    records[command.record].time = ready;
    records[command.record].done = true;
    [[fallthrough]];
  case Command::Wait:
    drop(command.record);
    return;
  case Command::Run:
    break;
  }
  double start = ready;
  if (command.work.engine != Engine::None)
    start = std::max(start, engineEnd[int(command.work.engine)]);
  const Cost cost = runner.begin(command.work);
  double end = start + cost.us;
  if (command.work.engine == Engine::ToDevice) {
    // The host has been at `ready`: it starts no job before.
    while (!wire.empty() && wire.front().end <= ready)
      wire.pop_front();
    end = layOut(start, cost.us, cost.rate);
    wire.push_back({stream, ready, cost.us, cost.rate, start, end});
  }
  streamEnd[stream] = end;
  if (command.work.engine != Engine::None)
    engineEnd[int(command.work.engine)] = end;
  runner.ran(stream, command.work, start, end);
}

double Timeline::layOut(double start, double us, double rate) {
  const double alone = std::min(job.us, std::max(0.0, start - jobAt));
  jobAt += alone;
  job.us -= alone;
  if (job.us <= 0)
    return start + us;
  const Slowdown slowdown = runner.together(rate, job.rate);
  const double copy = us * slowdown.copy, rest = job.us * slowdown.job;
  if (copy < rest) {
    jobAt = start + copy;
    job.us -= copy / slowdown.job;
    return jobAt;
  }
  jobAt = start + rest;
  job.us = 0;
  return jobAt + std::max(0.0, us - rest / slowdown.copy);
}

void Timeline::startJob(const Cost &cost, double now) {
  advanceTo(now);
  job = cost;
  jobAt = now;
  jobEnd = newRecord();
  records[jobEnd].uses = 1;
  while (!wire.empty() && wire.front().end <= now)
    wire.pop_front();
  // Nothing behind these copies was taken: it is not ready before their end.
  double free = now;
  for (Copying &copy : wire) {
    const double saidStart = copy.start, saidEnd = copy.end;
    if (copy.start < now) {
      copy.end = layOut(now, copy.end - now, copy.rate);
    } else {
      copy.start = std::max(copy.ready, free);
      copy.end = layOut(copy.start, copy.us, copy.rate);
    }
    free = copy.end;
    streamEnd[copy.stream] = copy.end;
    engineEnd[int(Engine::ToDevice)] = copy.end;
    if (copy.end != saidEnd)
      runner.moved(copy.stream, saidStart, copy.start, copy.end);
  }
}

double Timeline::shortenJob(double us, double now) {
  advanceTo(now);
  // Up to jobAt it has run beside what was laid out; on its own until now.
  const double alone = std::min(job.us, std::max(0.0, now - jobAt));
  jobAt += alone;
  job.us -= alone;
  const double less = std::min(job.us, us);
  job.us -= less;
  return less;
}

double Timeline::finishJob() {
  double ready;
  for (int next; (next = nextStream(ready)) >= 0 && ready < jobAt + job.us;)
    runNext(next, ready);
  jobAt += job.us;
  job.us = 0;
  if (jobEnd != kNone) {
    records[jobEnd].time = jobAt;
    records[jobEnd].done = true;
    drop(jobEnd);
    jobEnd = kNone;
  }
  return jobAt;
}

void Timeline::waitForJob(int stream, double now, double after) {
  if (jobEnd == kNone)
    return;
  ++records[jobEnd].uses;
  queues[stream].push_back({Command::Wait, now, jobEnd, {}, after});
}

void Timeline::advanceTo(double now) {
  double ready;
  for (int next; (next = nextStream(ready)) >= 0 && ready <= now;)
    runNext(next, ready);
}

double Timeline::finishEvent(uint32_t event) {
  uint32_t record = latest[event];
  if (record == kNone)
    return 0;
  double ready;
  for (int next; !records[record].done && (next = nextStream(ready)) >= 0;)
    runNext(next, ready);
  return records[record].time;
}

double Timeline::finishStream(int stream) {
  double ready;
  for (int next; !queues[stream].empty() && (next = nextStream(ready)) >= 0;)
    runNext(next, ready);
  return streamEnd[stream];
}

bool Timeline::reached(uint32_t event, double now) const {
  uint32_t record = latest[event];
  return record == kNone ||
         (records[record].done && records[record].time <= now);
}

} // namespace sluice::sim
