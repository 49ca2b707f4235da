//===- hardware.h - The figures of one machine ------------------*- C++ -*-===//
//
// What hw.json holds: rates, latencies and kernel times of one machine, each
// with the source it came from. sluice-profile measures and writes it; the cost
// model of the compiler and the sim backend read it. Rates are in GB/s = 1e9
// bytes a second, times in microseconds.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/core/status.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// A number and where it came from: "measured by sluice-profile", a data sheet.
struct Figure {
  double value = 0;
  std::string source;
};

/// Points (x, y) with increasing x > 0 and y > 0, at least one where the curve
/// is used.
struct Curve {
  struct Point {
    double x = 0, y = 0;
  };
  std::vector<Point> points;
  std::string source;

  /// Linear between points, constant beyond the ends. The curve has points.
  double at(double x) const;
};

/// Measured time of one launch, back to back with its like.
struct KernelTime {
  Kernel kernel = Kernel::Embed;
  Arithmetic arithmetic = Arithmetic::Portable;
  std::vector<int64_t> dims; ///< As in the kernel's signature.
  int64_t rows = 1;
  int64_t context = 0; ///< Tokens a row attends to, for attention; else 0.
  double us = 0;
};

/// Measured time of one expert (expert_gate_up and expert_down) among many in
/// one launch, everything in device memory.
struct ExpertTime {
  int64_t hidden = 0, inner = 0;
  uint64_t bytes = 0; ///< Of its three matrices: says the type of the weights.
  double rows = 1;    ///< (row, rank) pairs that it serves.
  double us = 0;      ///< Its share of the launch.
};

/// What copies to the device and expert kernels of the CPU read from host
/// memory, GB/s each.
struct HostRates {
  double bus = 0, experts = 0;
};

/// What both reach at once, by the rows that an expert serves: more rows are
/// more arithmetic over the same weights, so experts read less and take less
/// from the bus. Empty where nobody measured.
struct SharedMemory {
  struct Point {
    double rows = 0;
    HostRates both; ///< Above 0.
  };
  std::vector<Point> points; ///< Increasing in rows.
  /// GB/s of the same copies alone: beside it the points say which part of its
  /// rate the bus keeps. It stands here because hostToDevice does not tell of
  /// which size those copies are; the experts' rate alone is hostExpert's.
  double busAlone = 0;
  std::string source;
};

struct Hardware {
  std::string name;

  /// GB/s of pinned copies by their size in bytes, back to back on one stream.
  Curve hostToDevice, deviceToHost;
  Figure deviceBandwidth; ///< GB/s of device memory, reads and writes together.
  Figure tensorTflops;    ///< Of dense bf16 matrix products; 1e12 a second.
  Figure vectorTflops;    ///< Of f32 fused multiply-adds, two each.
  Figure hostRead;        ///< GB/s that all cores together read.
  /// GB/s of expert weights that the host kernels work through, all cores, by
  /// the rows an expert serves, in jobs of few experts anywhere in much memory
  /// and without hostJobUs; hostExpertUs says what is beyond its points.
  Curve hostExpert;
  Figure diskRead;      ///< GB/s of large direct reads.
  Figure launchUs;      ///< One kernel launch among others.
  Figure graphNodeUs;   ///< One kernel node of a CUDA graph.
  Figure syncUs;        ///< Work is done until the host thread knows it.
  Figure copyLatencyUs; ///< A small copy alone, until its end is seen.

  /// Optional: while a job of such experts and copies of others run at once,
  /// without hostJobUs and a copy's latency.
  SharedMemory shared;
  /// Optional, 0 where nobody measured. From the ids' computation on the device
  /// until the host has read them, looked the experts up and the first copy
  /// starts; and from the end of the host's experts until the next layer's
  /// first kernel, which reads their results over the wire, begins.
  Figure roundTripUs, joinUs;
  /// Optional, 0 where nobody measured. What a job of host experts takes beside
  /// what its experts do: threads begin, and do not all end at once.
  Figure hostJobUs;

  std::vector<KernelTime> kernels;
  std::vector<ExpertTime> experts;

  /// Time of one pinned copy among others of its size. Linear in bytes between
  /// the curve's points (a latency and a rate), the last point's rate beyond.
  double hostToDeviceUs(double bytes) const;
  double deviceToHostUs(double bytes) const;

  /// Time of one expert of `bytes` that serves `rows` rows on the host: its
  /// weights at the rate of hostExpert. Beyond the curve's last point the
  /// arithmetic bounds, and the rate falls as 1 / rows.
  double hostExpertUs(double bytes, double rows) const;

  /// Both rates while both run, from those above 0 of each alone: above 0, no
  /// more than alone, and no less for being faster alone. As measured: at the
  /// point whose experts have that rate alone (hostExpert at its rows), the bus
  /// keeps its part and the experts read what they read there; linear between
  /// points, the same parts beyond the ends. Where nobody measured they share
  /// the sum of the rates alone (the fastest copies, experts of one row) but no
  /// more than hostRead, in proportion where that is too little.
  HostRates together(HostRates alone) const;

  /// roundTripUs, else the latency of a small copy and a wait.
  double hostRoundTripUs() const;
  /// joinUs, else a launch: what follows is enqueued before, and the device
  /// sees the end by itself.
  double hostJoinUs() const;

  /// Measured time of a launch: entries of the same kernel, arithmetic and
  /// shape, linear between the nearest numbers of rows and of tokens. Dims that
  /// only say how large a table is (pages, positions, sequences) are not
  /// compared. Nothing where no entry is of that shape.
  std::optional<double> kernelUs(Kernel kernel, Arithmetic arithmetic,
                                 std::span<const int64_t> dims, double rows,
                                 double context = 0) const;

  /// Measured device time of one expert that serves `rows` rows, or nothing.
  std::optional<double> expertUs(int64_t hidden, int64_t inner, uint64_t bytes,
                                 double rows) const;
};

/// Reads hw.json. Every figure that is there must be finite and above 0, curves
/// increasing in x, kernels known with the dims of their signature; unknown
/// keys, absurd sizes and duplicates are refused. The error is one line with
/// `fileName`.
Result<Hardware> parseHardware(std::string_view text,
                               std::string_view fileName);

/// hw.json as parseHardware reads it, with line breaks for people.
std::string printHardware(const Hardware &hardware);

/// A machine no faster than most: used where no --hardware is given. Named
/// "built-in (conservative)"; each figure says that it is assumed.
const Hardware &builtInHardware();

} // namespace sluice
