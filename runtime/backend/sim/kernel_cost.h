//===- kernel_cost.h - How long a launch takes on a machine -----*- C++ -*-===//
//
// Measured times where the machine's profile has them, else a roofline: the
// bytes that the launch really touches over the memory's rate, or its products
// over the arithmetic's, whichever is longer.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/core/hardware.h"

namespace sluice::sim {

/// Rows that each active expert of an expert kernel serves. A launch whose
/// tables have been filled is counted; one whose demand was computed by a
/// kernel (which does not run here) gets the expected union of uniform routing,
/// E (1 - (1 - k/E)^rows), with its pairs spread evenly.
struct ActiveExperts {
  double count = 0; ///< Experts with at least one row.
  double pairs = 0; ///< Rows of all of them.
};

/// Of expert_gate_up and expert_down. Reads `offsets` of `args`.
ActiveExperts activeExperts(const KernelArgs &args, int64_t rows);

/// Microseconds that `kernel` occupies its stream for `rows` >= 1 rows. Reads
/// the operands `offsets` (experts) and `position` (attention) of `args`, which
/// must be readable; nothing else of its data.
double kernelUs(const Hardware &hardware, Kernel kernel, Arithmetic arithmetic,
                const KernelArgs &args, int64_t rows);

/// The same for an expert kernel that the host's cores run: the weights of the
/// active experts by Hardware::hostExpertUs. Other kernels: the bytes at the
/// rate of Hardware::hostRead.
double hostKernelUs(const Hardware &hardware, Kernel kernel,
                    const KernelArgs &args, int64_t rows);

/// Bytes that such a launch reads from host memory: the weights of the active
/// experts; of other kernels all its traffic.
double hostKernelBytes(Kernel kernel, const KernelArgs &args, int64_t rows);

/// Bytes that the launch reads and writes: tables, caches and pools count by
/// the rows, contexts and experts in use, not by their size.
double trafficBytes(Kernel kernel, const KernelArgs &args, int64_t rows);

} // namespace sluice::sim
