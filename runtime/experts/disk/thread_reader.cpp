//===- thread_reader.cpp - Reads by threads that wait ---------------------===//

#include "runtime/experts/disk/disk_reader.h"
#include "runtime/experts/disk/index_queue.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::experts {
namespace {

class ThreadReader final : public DiskReader {
public:
  ThreadReader(uint32_t requests, unsigned threads,
               std::function<void(uint32_t)> perform)
      : perform(std::move(perform)), waiting(requests), over(requests) {
    for (unsigned i = 0; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  }

  ~ThreadReader() override {
    {
      std::lock_guard lock(mutex);
      stopping = true;
      waiting.clear();
    }
    asked.notify_all();
    for (std::thread &worker : workers)
      worker.join();
  }

  Status submit(uint32_t index) override {
    {
      std::lock_guard lock(mutex);
      waiting.push(index);
    }
    asked.notify_one();
    return Status::ok();
  }

  Result<std::optional<uint32_t>> poll() override {
    std::lock_guard lock(mutex);
    if (over.empty())
      return std::optional<uint32_t>();
    return std::optional(over.pop());
  }

  Result<uint32_t> wait() override {
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return !over.empty(); });
    return over.pop();
  }

private:
  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      asked.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (stopping)
        return;
      uint32_t index = waiting.pop();
      lock.unlock();
      perform(index);
      lock.lock();
      over.push(index);
      done.notify_one();
    }
  }

  std::function<void(uint32_t)> perform;
  std::mutex mutex;
  std::condition_variable asked, done;
  IndexQueue waiting, over;
  bool stopping = false;
  std::vector<std::thread> workers;
};

} // namespace

void readBlocking(ReadRequest &request) {
  for (uint32_t run = 0; run < request.runs(); ++run)
    while (true) {
      ReadRequest::Read read = request.next(run);
      ssize_t got = ::preadv(read.descriptor, read.parts, int(read.count),
                             off_t(read.offset));
      if (request.finished(run, got < 0 ? -int64_t(errno) : got))
        break;
    }
}

std::unique_ptr<DiskReader>
makeThreadReader(uint32_t requests, unsigned threads,
                 std::function<void(uint32_t)> perform) {
  return std::make_unique<ThreadReader>(requests, threads, std::move(perform));
}

} // namespace sluice::experts
