//===- executor.h - Runs a plan's entry points ------------------*- C++ -*-===//
//
// Load resolves everything once: files, arenas, constants, rope tables,
// weights, kernels. Executing a step is then a walk over resolved instructions.
//
//   auto executor = Executor::create(plan, *backend, {});
//   fill input(EntryPoint::Decode, Role::Tokens) and the other inputs;
//   execute(EntryPoint::Decode, rows, logitRows, false);
//   read output(EntryPoint::Decode, Role::Logits, 0).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/core/status.h"
#include "runtime/executor/load_options.h"
#include "runtime/experts/counters.h"
#include "runtime/plan/plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace sluice {

namespace experts {
class Engine;
} // namespace experts

/// The entry points that run once the plan is loaded.
enum class EntryPoint : uint8_t { Prefill, Decode };
inline constexpr int kEntryPointCount = 2;

/// A loaded plan. One thread at a time calls it; the backend must outlive it
/// and serves no one else while it lives.
class Executor {
public:
  /// Loads: checks the checkpoint's files against the plan (size, header hash),
  /// allocates the arenas, makes constants and rope tables, reads the weights,
  /// binds the kernels. Errors name the file, what was found and expected:
  /// NotFound, Io, Corrupt (another checkpoint), OutOfMemory, Unsupported.
  static Result<std::unique_ptr<Executor>>
  create(std::shared_ptr<const plan::Plan> plan, Backend &backend,
         const LoadOptions &options);
  ~Executor();

  const plan::Plan &plan() const;

  /// Host memory that the caller fills before execute; it keeps its contents
  /// between steps. Its size is that of the plan's buffer, at least:
  ///   Tokens, Positions, Sequences: i32 [max_rows]; LogitRowIds: i32
  ///   [max_logit_rows]; PageTable: i32 [max_sequences, pages_per_sequence].
  /// Empty when `role` is no input.
  std::span<std::byte> input(EntryPoint entry, plan::fb::Role role);

  /// Host memory that execute has filled; valid until the next execute.
  ///   Logits: f32 [logitRows, vocab]; with recording, for each MoE layer,
  ///   ExpertIds: i32 [rows, top_k] and ExpertWeights: f32 [rows, top_k].
  /// Empty when the entry has no such output. `layer` is 0 for Logits.
  std::span<const std::byte> output(EntryPoint entry, plan::fb::Role role,
                                    uint32_t layer) const;

  /// Runs one step over the inputs' first `rows` rows and `logitRows` logit
  /// rows, and returns when the outputs can be read. `recording` also brings
  /// back the routing. Allocates nothing.
  ///
  /// InvalidArgument, before anything runs, when rows is not in 1..max_rows,
  /// logitRows not in 0..max_logit_rows, a token not in 0..vocab-1, a position
  /// not in 0..max_positions-1, a sequence not in 0..max_sequences-1, any entry
  /// of the page table not in 0..pages-1 or a logit row id not in 0..rows-1.
  /// That no two rows write the same place of the KV cache is the caller's to
  /// see to. After any other error the executor must not be used again.
  Status execute(EntryPoint entry, uint32_t rows, uint32_t logitRows,
                 bool recording);

  /// Whether the plan moves experts while it runs; else all are on the device
  /// from the start and the counters below stay 0.
  bool movesExperts() const;
  /// What the expert store did since the load.
  experts::Counters expertCounters() const;
  /// What runs the expert instructions, to be looked at between steps; null
  /// where experts do not move.
  const experts::Engine *expertEngine() const;
  /// Replaces what the routers say from the next step on (benchmarks only: the
  /// tokens mean nothing then); null: the model routes. Not owned. No effect
  /// where experts do not move.
  void setRouting(experts::RoutingSource *source);
  /// Microseconds on the clock of the backend, see Backend::clockUs.
  double clockUs() const;
  /// Whether stretches of steps may be captured and replayed, which is so at
  /// first. Without, traces name every launch.
  void setGraphs(bool allowed);

private:
  struct State;
  explicit Executor(std::unique_ptr<State> state);

  std::unique_ptr<State> state;
};

} // namespace sluice
