//===- fault.h - Failures made on purpose, for tests ------------*- C++ -*-===//
//
// The one hook through which tests make the system refuse what it rarely
// refuses. The environment variable SLUICE_FAULT, read once, holds a list such
// as "uring,read:3":
//
//   uring     io_uring is refused, as in many containers
//   direct    direct reads (O_DIRECT) are refused, as on some file systems
//   pin       pinning of host memory is refused
//   alloc     an allocation fails
//   read      a read of weights fails as a broken disk does (EIO)
//   short     a read of weights gives half of what was asked for
//   graph     the recording of a graph fails: its beginning, its end, and on
//             the CPU backend each launch and copy that it is to hold
//   late      the CPU begins a job beside the streams only when somebody waits
//             for it
//   far       kernels of the CPU backend do not reach host memory, as on a GPU
//             where pinning is refused
//
// NAME happens every time, NAME:N only the N-th time (from 1) that the program
// gets there. An unknown name or number is said on stderr and left out.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string_view>

namespace sluice {

/// What can be made to fail, in the order of the list above.
enum class Fault { Uring, Direct, Pin, Alloc, Read, Short, Graph, Late, Far };

/// Whether `fault` is to happen here and now. Counts the call. Any thread;
/// costs one load while no fault is asked for.
bool faultHits(Fault fault);

/// Replaces what SLUICE_FAULT said, and counts from zero again; an empty
/// `list` asks for no fault. For tests that run in one process; call while no
/// other thread runs code of Sluice.
void setFaults(std::string_view list);

} // namespace sluice
