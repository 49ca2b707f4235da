//===- transfers.cpp - Copies, launches and waits -------------------------===//

#include "tools/sluice-profile/transfers.h"

#include <algorithm>

namespace sluice::tools {
namespace {

constexpr const char *kSource = "measured by sluice-profile";
/// Memory that copies go round in, so that no cache holds it.
constexpr uint64_t kRing = uint64_t{512} << 20;

struct Memories {
  Allocation host, device, otherDevice;
};

Status profileCurves(Backend &backend, Timer &timer, const Memories &memory,
                     const std::vector<uint64_t> &sizes, Hardware &into) {
  into.hostToDevice = {{}, kSource};
  into.deviceToHost = {{}, kSource};
  for (uint64_t bytes : sizes) {
    auto place = [&](uint64_t call) {
      return call % std::max<uint64_t>(1, kRing / bytes) * bytes;
    };
    SLUICE_ASSIGN_OR_RETURN(double up, timer.each([&](uint64_t call) {
      return backend.copy(StreamKind::Demand,
                          memory.device.data() + place(call),
                          MemoryKind::Device, memory.host.data() + place(call),
                          MemoryKind::Host, bytes);
    }));
    SLUICE_ASSIGN_OR_RETURN(double down, timer.each([&](uint64_t call) {
      return backend.copy(StreamKind::CopyBack,
                          memory.host.data() + place(call), MemoryKind::Host,
                          memory.device.data() + place(call),
                          MemoryKind::Device, bytes);
    }));
    const auto x = static_cast<double>(bytes);
    into.hostToDevice.points.push_back({x, x / up / 1000});
    into.deviceToHost.points.push_back({x, x / down / 1000});
  }
  return Status::ok();
}

Status profileLatencies(Backend &backend, Timer &timer, const Memories &memory,
                        Hardware &into) {
  SLUICE_RETURN_IF_ERROR(backend.reserveEvents(1));
  SLUICE_ASSIGN_OR_RETURN(
      KernelHandle add, backend.findKernel(Kernel::Add, Arithmetic::Portable));
  KernelArgs args;
  for (int i = 0; i < 3; ++i) {
    args.data[i] = memory.device.data() + 4096 * i;
    args.dtype[i] = DType::F32;
  }
  args.dim[0] = 8;
  args.maxRows = 1;
  auto launch = [&](uint64_t) {
    return backend.launch(StreamKind::Compute, add, args, 1);
  };
  auto reach = [&](StreamKind stream) -> Status {
    SLUICE_RETURN_IF_ERROR(backend.record(stream, 0));
    return backend.waitOnHost(0);
  };
  SLUICE_ASSIGN_OR_RETURN(double enqueued, timer.each(launch));
  SLUICE_ASSIGN_OR_RETURN(double node, timer.launches(launch));
  SLUICE_ASSIGN_OR_RETURN(double waited,
                          timer.blocking([&](uint64_t call) -> Status {
                            SLUICE_RETURN_IF_ERROR(launch(call));
                            return reach(StreamKind::Compute);
                          }));
  SLUICE_ASSIGN_OR_RETURN(
      double copied, timer.blocking([&](uint64_t) -> Status {
        SLUICE_RETURN_IF_ERROR(backend.copy(
            StreamKind::Compute, memory.host.data(), MemoryKind::Host,
            memory.device.data(), MemoryKind::Device, 64));
        return reach(StreamKind::Compute);
      }));
  into.launchUs = {enqueued, kSource};
  into.graphNodeUs = {
      node, backend.hasGraphs() ? kSource : "no graphs: as a launch, measured"};
  // What is left when the launch itself is taken away, but never nothing.
  into.syncUs = {std::max(waited - enqueued, 0.1), kSource};
  into.copyLatencyUs = {copied, kSource};
  return Status::ok();
}

} // namespace

Status profileTransfers(Backend &backend, Timer &timer,
                        const std::vector<uint64_t> &sizes, Hardware &into) {
  Memories memory;
  SLUICE_ASSIGN_OR_RETURN(memory.host,
                          backend.allocate(MemoryKind::Host, kRing));
  SLUICE_ASSIGN_OR_RETURN(memory.device,
                          backend.allocate(MemoryKind::Device, kRing));
  SLUICE_ASSIGN_OR_RETURN(memory.otherDevice,
                          backend.allocate(MemoryKind::Device, kRing));
  SLUICE_RETURN_IF_ERROR(profileCurves(backend, timer, memory, sizes, into));
  SLUICE_ASSIGN_OR_RETURN(double us, timer.each([&](uint64_t) {
    return backend.copy(StreamKind::Compute, memory.otherDevice.data(),
                        MemoryKind::Device, memory.device.data(),
                        MemoryKind::Device, kRing);
  }));
  into.deviceBandwidth = {2 * static_cast<double>(kRing) / us / 1000, kSource};
  return profileLatencies(backend, timer, memory, into);
}

} // namespace sluice::tools
