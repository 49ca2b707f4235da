//===- virtual_reader.cpp - Reads that only take time ---------------------===//

#include "runtime/experts/disk/disk_reader.h"
#include "runtime/experts/disk/index_queue.h"

#include <utility>
#include <vector>

namespace sluice::experts {
namespace {

class VirtualReader final : public DiskReader {
public:
  VirtualReader(VirtualDisk &disk, uint32_t requests,
                std::function<VirtualRead(uint32_t)> describe)
      : disk(disk), describe(std::move(describe)), ends(requests),
        order(requests) {}

  Status submit(uint32_t index) override {
    const VirtualRead read = describe(index);
    ends[index] = disk.startRead(read.bytes, read.label);
    order.push(index);
    return Status::ok();
  }

  Result<std::optional<uint32_t>> poll() override {
    if (order.empty() || !disk.isOver(ends[order.front()]))
      return std::optional<uint32_t>();
    return std::optional(order.pop());
  }

  Result<uint32_t> wait() override {
    if (order.empty())
      return Status(ErrorCode::Internal,
                    "waiting for reads, found none under way");
    disk.waitForRead(ends[order.front()]);
    return order.pop();
  }

private:
  VirtualDisk &disk;
  std::function<VirtualRead(uint32_t)> describe;
  std::vector<double> ends; ///< Of each request, when it will be over.
  IndexQueue order;         ///< Under way: a disk ends them as they began.
};

} // namespace

std::unique_ptr<DiskReader>
makeVirtualReader(VirtualDisk &disk, uint32_t requests,
                  std::function<VirtualRead(uint32_t)> describe) {
  return std::make_unique<VirtualReader>(disk, requests, std::move(describe));
}

} // namespace sluice::experts
