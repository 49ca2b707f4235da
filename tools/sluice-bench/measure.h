//===- measure.h - The clock around a plan's steps --------------*- C++ -*-===//
#pragma once

#include "runtime/decode/kv_pages.h"
#include "runtime/executor/executor.h"
#include "runtime/experts/counters.h"
#include "tools/sluice-bench/trace.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tools {

/// One test: what happens between two looks at the clock.
struct Test {
  EntryPoint entry;   ///< Prefill: pp, Decode: tg.
  uint32_t sequences; ///< Side by side; from 1.
  uint32_t depth;     ///< Tokens each has before.
  uint32_t tokens;    ///< Tokens each processes or generates; from 1.

  /// "pp512", "tg128 @ d512".
  std::string name() const;
  /// InvalidArgument when the plan serves fewer sequences or positions.
  Status fits(const plan::fb::Plan &plan) const;
};

/// What the timed repetitions of a test took.
struct Measurement {
  std::vector<double> repetitionMs; ///< One a repetition.
  std::vector<double> stepMs;       ///< One a step, of all repetitions.
  uint64_t rows = 0;                ///< Tokens that went through the layers.
  experts::Counters experts;        ///< Of the timed repetitions.
  double busRate = 0;               ///< GB/s of measureBus; 0: not known.
  std::optional<double> busBusy;    ///< Of BusyTest.
  std::optional<double> bubbleShare;
  std::optional<double> busyBusRate, busyHostRate; ///< GB/s
};

/// Drives an executor with a trace's tokens. Not thread-safe.
class Bench {
public:
  /// Both must outlive the bench. The trace covers every test.
  Bench(Executor &executor, const TokenTrace &trace);

  /// Fills the cache to the test's depth, runs the test once untimed, then
  /// `repetitions` times. A step is timed from the filling of its inputs to
  /// logits that can be read, of each sequence's last row: no tokenisation, no
  /// sampling. `behind`, if any, is called after each timed repetition with its
  /// number and may repeat the test: what else the machine does changes from
  /// second to second, so who wants to know more looks right there. After an
  /// error the executor must not be used again.
  Result<Measurement>
  measure(const Test &test, uint32_t repetitions,
          const std::function<Status(uint32_t)> &behind = {});

  /// Runs a test that is measured once more, untimed and not counted.
  Status repeat(const Test &test);

private:
  Status once(const Test &test, Measurement &into);
  Status prefill(uint32_t sequences, uint32_t begin, uint32_t end,
                 Measurement &into);
  Status decode(const Test &test, Measurement &into);
  Status step(EntryPoint entry, uint32_t rows, uint32_t logitRows,
              Measurement &into);

  Executor &executor;
  const TokenTrace &trace;
  uint32_t prefillRows; ///< The most rows of a prefill step.
  KvPages pages;
};

} // namespace sluice::tools
