//===- layer_cost.cpp - What one layer with experts costs -----------------===//

#include "compiler/analysis/cost_model.h"
#include "compiler/analysis/host_experts.h"
#include "runtime/experts/division.h"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

/// Bytes over GB/s, in microseconds.
double streamUs(double bytes, double gigabytesPerSecond) {
  return bytes / (gigabytesPerSecond * 1e3);
}

/// The times of one layer that do not depend on how many experts are missing.
class Layer {
public:
  /// As insert-expert-transfers makes at most.
  static constexpr double kMostParts = 64;

  Layer(const LayerShape &shape, const ExpertLoad &load, const StepPlan &plan,
        const Hardware &hardware)
      : shape(shape), load(load), plan(plan), hardware(hardware),
        rows(static_cast<double>(plan.batch)),
        bytes(static_cast<double>(shape.expertBytes)),
        copy(hardware.hostToDeviceUs(bytes)), launch(hardware.launchUs.value),
        serial(plan.schedule == ScheduleKind::Serial),
        parts(serial || !plan.merged ? std::clamp(rows, 1.0, kMostParts) : 1.0),
        perExpert(load.active > 0
                      ? std::max(1.0, rows * static_cast<double>(shape.topK) /
                                          load.active)
                      : 1.0),
        gpuEach(expertGpuUs(shape, perExpert, hardware)),
        hostExperts(shape, load, rows, hardware),
        balanced(hostExperts.balancedShare(copy)),
        slower(slowdown(bytes, copy, hostExperts.eachUs(balanced), hardware)),
        diskEach(streamUs(bytes, hardware.diskRead.value)) {}

  LayerCost cost() const {
    LayerCost result;
    for (const OpShape &op : shape.before)
      result.attention += opUs(op, rows, static_cast<double>(plan.context),
                               plan.graphs && !serial, hardware);
    result.misses = load.misses();
    if (plan.resident)
      return resident(result);
    result.roundTrip = parts * hardware.hostRoundTripUs();
    return serial ? wholeLayers(result) : overlapped(result);
  }

private:
  /// Nothing waits for the host: ids stay on the device.
  LayerCost resident(LayerCost result) const {
    result.gpu = 2 * launch + load.active * gpuEach;
    result.together = result.gpu;
    result.tail = launch;
    result.total = result.attention + result.gpu + result.tail;
    return result;
  }

  /// The baseline: whole layers, once a batch, one thing after the other.
  LayerCost wholeLayers(LayerCost result) const {
    const auto experts = static_cast<double>(shape.experts);
    result.misses = parts * experts;
    result.fetched = result.misses;
    result.bus = result.fetched * copy;
    result.disk = result.fetched * plan.diskShare * diskEach;
    result.gpu = parts * (2 * launch + static_cast<double>(shape.topK) *
                                           expertGpuUs(shape, 1, hardware));
    result.together =
        std::max(result.bus,
                 result.disk + lastCopy(result.fetched * plan.diskShare)) +
        result.gpu;
    result.tail = launch;
    result.total =
        result.attention + result.roundTrip + result.together + result.tail;
    return result;
  }

  /// What the bus takes behind the disk, of whose `reads` experts all but the
  /// last have crossed it meanwhile.
  double lastCopy(double reads) const { return std::min(1.0, reads) * copy; }

  /// What runs at once when `misses` experts are missing, `onDisk` of them on
  /// the disk, and the host takes `onHost` of the others.
  struct Overlap {
    double bus = 0, disk = 0, host = 0, gpu = 0, hidden = 0, fetched = 0;
    double busEnd = 0, hostEnd = 0; ///< With what follows behind them.
    double end = 0; ///< Until everything has arrived, run and come back.
  };

  Overlap overlap(double misses, double onDisk, double onHost,
                  double window) const {
    Overlap times;
    double fetched = misses - onHost;
    // Copies run ahead while attention and gate compute. One that is on the
    // wire when the ids come, and is not wanted, delays those that are.
    const double ahead = std::min(
        {static_cast<double>(plan.prefetchLimit), window / copy, fetched});
    const double useful = ahead * plan.prefetchPrecision;
    const double delay =
        std::clamp(static_cast<double>(plan.prefetchLimit) - window / copy, 0.0,
                   ahead > 0 ? 1.0 : 0.0) *
        copy * (1 - plan.prefetchPrecision);
    fetched -= useful;
    times.hidden = useful * copy;
    times.fetched = fetched;
    times.bus = fetched > 0 ? fetched * copy + delay : 0;
    const double share = misses > 0 ? onHost / misses : 0;
    times.host = misses * hostExperts.us(share);
    shareMemory(times);
    times.disk = onDisk * diskEach;
    const double wave =
        std::max(1.0, std::floor(static_cast<double>(plan.waveBytes) / bytes));
    times.gpu = (load.active - onHost) * gpuEach +
                2 * launch * (parts + std::ceil(fetched / wave));
    // After the last copy: the wave that waited for it.
    const double afterBus =
        fetched > 0 ? std::min(wave, fetched) * gpuEach + 2 * launch : 0;
    // Beside the host's experts: its threads come together, and after them its
    // rows go up and are put at their place.
    const double afterHost =
        onHost > 0
            ? hardware.hostJobUs.value + hardware.hostJoinUs() +
                  hardware.hostToDeviceUs(misses * hostExperts.rows(share) * 4 *
                                          static_cast<double>(shape.hidden))
            : 0;
    times.busEnd =
        std::max(times.bus, times.disk + lastCopy(onDisk)) + afterBus;
    times.hostEnd = times.host + afterHost;
    times.end = std::max({times.busEnd, times.gpu, times.hostEnd});
    return times;
  }

  /// The bus and the CPU begin together; until one of them is done both are
  /// slower, then the other goes on alone.
  void shareMemory(Overlap &times) const {
    const double bus = times.bus * slower.bus, host = times.host * slower.host;
    if (bus <= host) {
      times.host = bus + times.host - bus / slower.host;
      times.bus = bus;
    } else {
      times.bus = host + times.bus - host / slower.bus;
      times.host = host;
    }
  }

  /// The same when the host takes as many experts as end first; one on the disk
  /// cannot be computed where it lies.
  Overlap shared(double misses, double onDisk, double window) const {
    const double inMemory = misses - onDisk;
    if (plan.mode == ExpertMode::Host)
      return overlap(misses, onDisk, inMemory, window);
    if (plan.mode != ExpertMode::Split)
      return overlap(misses, onDisk, 0, window);
    // The bus takes ever less and the CPU ever more: from near to where both
    // end together it is downhill to the lowest point. But with none and with
    // all of them on the host there is one thing less to wait for, and nothing
    // that slows the other: these two ends are looked at on their own.
    const auto most = static_cast<int64_t>(std::ceil(inMemory));
    const auto near = static_cast<int64_t>(inMemory * balanced);
    auto at = [&](int64_t count) {
      return overlap(misses, onDisk,
                     std::min(static_cast<double>(count), inMemory), window);
    };
    Overlap best = at(near);
    for (int64_t step : {-1, 1})
      for (int64_t count = near + step; count >= 0 && count <= most;
           count += step) {
        Overlap other = at(count);
        if (other.end >= best.end)
          break;
        best = other;
      }
    auto take = [&](const Overlap &other) {
      if (other.end < best.end)
        best = other;
    };
    take(at(0));
    take(at(most));
    // Of several missing experts the bus takes over so much of the end of the
    // CPU's job, at most its down projections, as lets both end together. More
    // on the CPU means less on the bus: bisection.
    constexpr int kHalvings = 32;
    if (misses > 1) {
      double least = 0, greatest = inMemory;
      for (int i = 0; i < kHalvings; ++i) {
        const double middle = (least + greatest) / 2;
        const Overlap times = overlap(misses, onDisk, middle, window);
        (times.hostEnd < times.busEnd ? least : greatest) = middle;
      }
      // Whole experts are given to it, of each down may go.
      const double given = std::min(std::ceil(least), std::floor(inMemory));
      take(overlap(misses, onDisk,
                   std::max(least, given * (1 - experts::kDownShare)), window));
    }
    return best;
  }

  void add(LayerCost &result, const Overlap &times, double weight) const {
    result.bus += weight * times.bus;
    result.disk += weight * times.disk;
    result.host += weight * times.host;
    result.gpu += weight * times.gpu;
    result.hidden += weight * times.hidden;
    result.fetched += weight * times.fetched;
    const double together =
        std::max({times.bus, times.disk, times.host, times.gpu});
    result.together += weight * together;
    result.tail += weight * (times.end - together);
    result.total += weight * times.end;
  }

  /// Over the chances of [m] missing experts.
  void mean(LayerCost &result, std::span<const double> chances,
            double window) const {
    for (size_t count = 0; count < chances.size(); ++count)
      if (chances[count] > 0)
        meanOfDisk(result, static_cast<double>(count), chances[count], window);
  }

  /// Over the chances that so many of the missing experts lie on the disk: one
  /// read may take longer than everything else.
  void meanOfDisk(LayerCost &result, double misses, double weight,
                  double window) const {
    for (const LayerMisses &one : byDiskChance(misses, plan.diskShare))
      add(result, shared(one.misses, one.onDisk, window), weight * one.chance);
  }

  LayerCost overlapped(LayerCost result) const {
    const double window = result.attention + result.roundTrip;
    // The number of missing experts varies from step to step and the time is no
    // linear function of it, so the mean of the times is not that of the mean.
    // Of many that are not recorded the mean is near enough, and all that only
    // cross the bus take about the same each.
    if (!load.layers.empty())
      for (const LayerMisses &one : load.layers)
        add(result, shared(one.misses, one.onDisk, window), one.chance);
    else if ((plan.mode == ExpertMode::Split || plan.diskShare > 0) &&
             std::max(load.active, load.misses()) <= kManyMisses)
      mean(result, evenMisses(load.active, load.misses()), window);
    else
      meanOfDisk(result, load.misses(), 1, window);
    result.tail += launch;
    result.total += result.attention + result.roundTrip + launch;
    return result;
  }

  /// How many times longer the bus and the CPU take while both run.
  struct Slower {
    double bus, host;
  };
  static Slower slowdown(double bytes, double copyUs, double hostUs,
                         const Hardware &hardware) {
    const HostRates alone{bytes / copyUs / 1e3, bytes / hostUs / 1e3};
    const HostRates both = hardware.together(alone);
    return {alone.bus / both.bus, alone.experts / both.experts};
  }

  const LayerShape &shape;
  const ExpertLoad &load;
  const StepPlan &plan;
  const Hardware &hardware;
  const double rows, bytes, copy, launch;
  const bool serial;
  const double parts, perExpert, gpuEach;
  const HostExperts hostExperts;
  const double balanced; ///< Share of the host where both end together.
  const Slower slower;
  const double diskEach;
};

} // namespace

double expertGpuUs(const LayerShape &layer, double rows,
                   const Hardware &hardware) {
  if (auto measured =
          hardware.expertUs(layer.hidden, layer.inner, layer.expertBytes, rows))
    return *measured;
  const double flops = 6.0 * static_cast<double>(layer.hidden) *
                       static_cast<double>(layer.inner) * rows;
  return std::max(streamUs(static_cast<double>(layer.expertBytes),
                           hardware.deviceBandwidth.value),
                  flops / (hardware.vectorTflops.value * 1e6));
}

double expertHostUs(const LayerShape &layer, double rows,
                    const Hardware &hardware) {
  return hardware.hostExpertUs(static_cast<double>(layer.expertBytes), rows);
}

LayerCost layerCost(const LayerShape &layer, const ExpertLoad &load,
                    const StepPlan &plan, const Hardware &hardware) {
  return Layer(layer, load, plan, hardware).cost();
}

} // namespace sluice
