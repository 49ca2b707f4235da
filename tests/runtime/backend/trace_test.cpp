//===- trace_test.cpp - What ran when -------------------------------------===//

#include "runtime/backend/host_work.h"
#include "tests/runtime/backend/conformance.h"

#include <algorithm>
#include <string>

using namespace sluice;
using namespace sluice::testing;

namespace {

class Trace : public Conformance {
protected:
  std::vector<TraceSpan> take() {
    auto spans = backend->takeTrace();
    EXPECT_TRUE(spans.isOk()) << spans.status().message();
    return spans.isOk() ? std::move(*spans) : std::vector<TraceSpan>();
  }
  static const TraceSpan *find(const std::vector<TraceSpan> &spans,
                               const std::string &name) {
    auto found =
        std::find_if(spans.begin(), spans.end(), [&](const TraceSpan &span) {
          return span.label.name == name;
        });
    return found == spans.end() ? nullptr : &*found;
  }
};

TEST_P(Trace, HasASpanForEachPieceOfWork) {
  Allocation host = allocate(kHost, 4096), a = allocate(kDevice, 4096),
             b = allocate(kDevice, 4096);
  KernelArgs args = addition(a, a, b, 1024);
  backend->label({"before", 0, 0});
  ok(backend->copy(StreamKind::Demand, a.data(), kDevice, host.data(), kHost,
                   4096));
  ok(backend->startTrace());
  backend->label({"fetch", 3, 7});
  ok(backend->copy(StreamKind::Demand, a.data(), kDevice, host.data(), kHost,
                   4096));
  ok(backend->record(StreamKind::Demand, 0));
  ok(backend->wait(StreamKind::Compute, 0));
  backend->label({"sum", 3});
  ok(backend->launch(StreamKind::Compute, addKernel(), args, 1));
  backend->label({"pause"});
  ok(backend->hostFunction(StreamKind::Compute, sleepFor,
                           reinterpret_cast<void *>(3000)));
  auto spans = take();
  backend->label({"after"});
  ok(backend->copy(StreamKind::Demand, a.data(), kDevice, host.data(), kHost,
                   4096));
  ok(backend->synchronize());
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_TRUE(std::is_sorted(spans.begin(), spans.end(),
                             [](const TraceSpan &x, const TraceSpan &y) {
                               return x.startUs < y.startUs;
                             }));
  const TraceSpan *fetch = find(spans, "fetch"), *sum = find(spans, "sum"),
                  *pause = find(spans, "pause");
  ASSERT_TRUE(fetch && sum && pause);
  EXPECT_EQ(fetch->stream, StreamKind::Demand);
  EXPECT_EQ(fetch->label.layer, 3);
  EXPECT_EQ(fetch->label.expert, 7);
  EXPECT_EQ(fetch->bytes, 4096u);
  EXPECT_EQ(sum->stream, StreamKind::Compute);
  EXPECT_EQ(sum->label.expert, -1);
  EXPECT_EQ(sum->bytes, 0u);
  EXPECT_EQ(pause->stream, StreamKind::Compute);
  for (const TraceSpan &span : spans)
    EXPECT_LE(span.startUs, span.endUs) << span.label.name;
  // What must come later came later; a GPU's clock has steps.
  EXPECT_GE(sum->startUs + 2, fetch->endUs);
  EXPECT_GE(pause->startUs + 2, sum->endUs);
  EXPECT_GE(pause->endUs - pause->startUs, 2900);
}

TEST_P(Trace, ShowsHostWorkBesideStreams) {
  constexpr int64_t kCount = 1 << 16;
  Allocation x = allocate(kHost, kCount * 4), y = allocate(kHost, kCount * 4);
  HostLaunch launch{Kernel::Add, addition(x, x, y, kCount), 1};
  ok(backend->prepareHostWork(2));
  ok(backend->startTrace());
  backend->label({"experts", 5});
  ok(backend->startHostWork({&launch, 1}));
  ok(backend->waitHostWork());
  backend->label({"later"});
  ok(backend->hostFunction(StreamKind::Demand, sleepFor, nullptr));
  auto spans = take();
  ASSERT_EQ(spans.size(), 2u);
  const TraceSpan *experts = find(spans, "experts");
  const TraceSpan *later = find(spans, "later");
  ASSERT_TRUE(experts && later);
  EXPECT_EQ(experts->stream, kHostTrack);
  EXPECT_EQ(experts->label.layer, 5);
  EXPECT_STREQ(name(kHostTrack), "host");
  // One clock for both: the stream's work was enqueued after the host's.
  EXPECT_GE(later->endUs + 200, experts->endUs);
  // Host work after the trace leaves nothing for the next one.
  ok(backend->startHostWork({&launch, 1}));
  ok(backend->waitHostWork());
  ok(backend->startTrace());
  EXPECT_TRUE(take().empty());
}

TEST_P(Trace, AGraphIsOneSpan) {
  if (!backend->hasGraphs())
    return;
  Allocation a = allocate(kDevice, 4), b = allocate(kDevice, 4);
  KernelArgs args = addition(a, a, b, 1);
  ok(backend->launch(StreamKind::Compute, addKernel(), args, 1));
  ok(backend->startTrace());
  backend->label({"recorded"});
  ok(backend->beginGraph(StreamKind::Compute));
  for (int i = 0; i < 4; ++i)
    ok(backend->launch(StreamKind::Compute, addKernel(), args, 1));
  auto graph = backend->endGraph(StreamKind::Compute);
  ASSERT_TRUE(graph.isOk());
  backend->label({"graph", 9});
  for (int i = 0; i < 3; ++i)
    ok(backend->launchGraph(StreamKind::Compute, *graph));
  auto spans = take();
  ASSERT_EQ(spans.size(), 3u);
  for (const TraceSpan &span : spans)
    EXPECT_STREQ(span.label.name, "graph");
}

// More work than a backend holds timing events for, over two traces.
TEST_P(Trace, MayBeLong) {
  Allocation a = allocate(kDevice, 4), b = allocate(kDevice, 4);
  KernelArgs args = addition(a, a, b, 1);
  for (size_t launches : {40000, 10}) {
    ok(backend->startTrace());
    for (size_t i = 0; i < launches; ++i)
      ok(backend->launch(StreamKind::Compute, addKernel(), args, 1));
    auto spans = take();
    EXPECT_EQ(spans.size(), launches);
    for (size_t i = 1; i < spans.size(); ++i)
      ASSERT_GE(spans[i].startUs + 2, spans[i - 1].endUs);
  }
}

TEST_P(Trace, ErrorsSayWhatWasExpected) {
  says(backend->takeTrace().status(), ErrorCode::InvalidArgument, "trace");
  ok(backend->startTrace());
  says(backend->startTrace(), ErrorCode::InvalidArgument, "trace");
  EXPECT_TRUE(take().empty());
  says(backend->takeTrace().status(), ErrorCode::InvalidArgument, "trace");
}

SLUICE_ON_REAL_BACKENDS(Trace);

} // namespace
