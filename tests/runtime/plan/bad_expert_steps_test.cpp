//===- bad_expert_steps_test.cpp - Crafted bad steps of experts -----------===//
//
// Each case spoils one instruction of a plan whose experts move, or its place.
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/version.h"
#include "tests/runtime/plan/bad_plans.h"
#include "tests/runtime/plan/tiny_model.h"

#include <cmath>

using namespace sluice;
using namespace sluice::testing;
using fb::Operation;
using fb::StreamKind;

namespace {

fb::InstructionT &instruction(fb::PlanT &plan, Operation type, int nth = 0) {
  return *prefill(plan).instructions[indexOf(plan, type, nth)];
}

/// The copies of prefill that bring the first layer's ids and hidden state to
/// the host.
constexpr int kIdsCopy = 5, kHiddenCopy = 6;

const BadPlan kBadSteps[] = {
    // What may stand where.
    {"experts in load",
     [](fb::PlanT &p) {
       p.load->instructions.push_back(std::make_unique<fb::InstructionT>(
           instruction(p, Operation::ExpertFetch)));
     },
     {"load instruction", "(expert.fetch)", "load entry"}},
    {"graph in load",
     [](fb::PlanT &p) {
       p.load->instructions.push_back(std::make_unique<fb::InstructionT>(
           instruction(p, Operation::GraphBegin)));
     },
     {"load instruction", "(graph.begin)", "load entry"}},
    {"demand of no bank",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).bank = 2; },
     {"(expert.demand)", "bank", "found 2", "below the plan's 2"}},
    {"fetch of no bank",
     [](fb::PlanT &p) { step<fb::ExpertFetchT>(p).bank = 2; },
     {"(expert.fetch)", "bank", "found 2"}},
    {"prefetch of no bank",
     [](fb::PlanT &p) { step<fb::ExpertPrefetchT>(p).bank = 2; },
     {"(expert.prefetch)", "bank", "found 2"}},
    {"prefetch from no bank",
     [](fb::PlanT &p) { step<fb::ExpertPrefetchT>(p).from = 7; },
     {"(expert.prefetch)", "bank", "found 7"}},

    // The order.
    {"second part first",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).part = 1;
       step<fb::ExpertDemandT>(p).parts = 2;
     },
     {"(expert.demand)", "part 1 of bank 0", "expected part 0"}},
    {"no parts",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).parts = 0; },
     {"(expert.demand)", "0 parts"}},
    {"one part of two",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).parts = 2;
       step<fb::ExpertRunT>(p).parts = 2;
     },
     {"prefill", "1 parts of bank 0", "expected all 2"}},
    {"run of other parts",
     [](fb::PlanT &p) { step<fb::ExpertRunT>(p).parts = 2; },
     {"(expert.run)", "parts", "found 2", "the 1 of the demand"}},
    {"demand twice",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p, 1).bank = 0; },
     {"(expert.demand)", "demands bank 0 again"}},
    {"demand while another is open",
     [](fb::PlanT &p) { erase(p, Operation::ExpertRelease); },
     {"(expert.demand)", "part 0 of bank 1", "part 0 of bank 0 is open"}},
    {"release missing at the end",
     [](fb::PlanT &p) { erase(p, Operation::ExpertRelease, 1); },
     {"prefill", "after the join of part 0 of bank 1"}},
    {"demand missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertDemand); },
     {"(expert.split)", "not demanded"}},
    {"fetch missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertFetch); },
     {"(expert.run_host)", "after the split", "expected its fetch"}},
    {"run_host missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertRunHost); },
     {"(expert.run)", "which is split", "expected its run_host"}},
    {"run missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertRun); },
     {"(expert.join)", "expected its run"}},
    {"join missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertJoin); },
     {"(expert.release)", "which is split", "expected its join"}},
    {"split missing",
     [](fb::PlanT &p) { erase(p, Operation::ExpertSplit); },
     {"(expert.run_host)", "after the fetch", "expected its run"}},
    {"fetch before the split",
     [](fb::PlanT &p) {
       size_t split = indexOf(p, Operation::ExpertSplit);
       move(p, split, split + 1);
     },
     {"(expert.split)", "after the fetch", "expected its run"}},
    {"fetch of another part",
     [](fb::PlanT &p) { step<fb::ExpertFetchT>(p).part = 1; },
     {"(expert.fetch)", "part 1 of bank 0", "expected part 0 of bank 0"}},
    {"run of another bank",
     [](fb::PlanT &p) { step<fb::ExpertRunT>(p).bank = 1; },
     {"(expert.run)", "part 0 of bank 1", "expected part 0 of bank 0"}},
    {"fetch on Compute",
     [](fb::PlanT &p) {
       instruction(p, Operation::ExpertFetch).stream = StreamKind::Compute;
     },
     {"(expert.fetch)", "on Compute", "expected Demand"}},
    {"run on Demand",
     [](fb::PlanT &p) {
       instruction(p, Operation::ExpertRun).stream = StreamKind::Demand;
     },
     {"(expert.run)", "on Demand", "expected Compute"}},
    {"join on Prefetch",
     [](fb::PlanT &p) {
       instruction(p, Operation::ExpertJoin).stream = StreamKind::Prefetch;
     },
     {"(expert.join)", "on Prefetch", "expected Compute"}},
    {"prefetch on Demand",
     [](fb::PlanT &p) {
       instruction(p, Operation::ExpertPrefetch).stream = StreamKind::Demand;
     },
     {"(expert.prefetch)", "on Demand", "expected Prefetch"}},

    // The demand's event and ids.
    {"event beyond the entry's",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).event = 99; },
     {"(expert.demand)", "event", "found 99"}},
    {"event nobody has recorded",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).event = 3; },
     {"(expert.demand)", "event 3 is not recorded yet"}},
    {"event of another stream",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).event = 0; },
     {"(expert.demand)", "event 0", "on Demand", "expected Compute"}},
    {"event before the last run",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p, 1).event = 1; },
     {"(expert.demand)", "event 1", "(expert.join)", "expected after it"}},
    {"ids on the device",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).ids = findBuffer(p, "prefill.ids");
     },
     {"(expert.demand)", "ids", "expected host memory"}},
    {"ids of no buffer",
     [](fb::PlanT &p) { step<fb::ExpertDemandT>(p).ids = kNone; },
     {"(expert.demand)", "ids"}},
    {"ids of another type",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).ids = findBuffer(p, "prefill.x.host");
     },
     {"(expert.demand)", "ids", "f32", "expected i32"}},
    {"ids of too few rows",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).ids = findBuffer(p, "decode.ids.host");
     },
     {"(expert.demand)", "'decode.ids.host'", "at least 64"}},
    {"ids from the input",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).ids = findBuffer(p, "prefill.tables.host");
     },
     {"prefill", "(expert.demand)", "'prefill.tables.host'"}},
    {"ids only while recording",
     [](fb::PlanT &p) { copy(p, kIdsCopy).recording = true; },
     {"(expert.demand)", "'prefill.ids.host'", "recorded"}},
    {"ids by halves",
     [](fb::PlanT &p) { copy(p, kIdsCopy).bytes = 4; },
     {"(expert.demand)", "'prefill.ids.host'"}},
    {"ids of the other layer",
     [](fb::PlanT &p) {
       step<fb::ExpertDemandT>(p).ids = findBuffer(p, "prefill.ids.host.1");
     },
     {"(expert.demand)", "'prefill.ids.host.1'"}},
    {"ids copied after the event",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::Copy, kIdsCopy),
            indexOf(p, Operation::Record, 1));
     },
     {"(expert.demand)", "not ordered", "(copy)"}},

    // Split, host and join.
    {"share above one",
     [](fb::PlanT &p) { step<fb::ExpertSplitT>(p).share = 1.5f; },
     {"(expert.split)", "share", "0 to 1"}},
    {"share below zero",
     [](fb::PlanT &p) { step<fb::ExpertSplitT>(p).share = -0.5f; },
     {"(expert.split)", "share", "0 to 1"}},
    {"share not finite",
     [](fb::PlanT &p) { step<fb::ExpertSplitT>(p).share = NAN; },
     {"(expert.split)", "share", "0 to 1"}},
    {"host input on the device",
     [](fb::PlanT &p) {
       step<fb::ExpertRunHostT>(p).in = findBuffer(p, "prefill.n2");
     },
     {"(expert.run_host)", "'prefill.n2'", "expected host"}},
    {"host input too small",
     [](fb::PlanT &p) {
       step<fb::ExpertRunHostT>(p).in = findBuffer(p, "decode.x.host");
     },
     {"(expert.run_host)", "'decode.x.host'", "at least 512"}},
    {"host input only while recording",
     [](fb::PlanT &p) { copy(p, kHiddenCopy).recording = true; },
     {"(expert.run_host)", "'prefill.x.host'", "recorded"}},
    {"host input of another type",
     [](fb::PlanT &p) {
       buffer(p, "prefill.x.host").dtype = fb::DType::BF16;
       copy(p, kHiddenCopy).source = findBuffer(p, "wq");
       copy(p, kHiddenCopy).bytes = 32;
     },
     {"(expert.run)", "'prefill.n2'", "'prefill.x.host'", "two types"}},
    {"host input copied after the event",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::Copy, kHiddenCopy),
            indexOf(p, Operation::Record, 1));
     },
     {"(expert.run_host)", "not ordered", "(copy)"}},
    {"host input overwritten while the host reads it",
     [](fb::PlanT &p) {
       fb::CopyT again = copy(p, kHiddenCopy);
       insert(p, indexOf(p, Operation::ExpertRun), StreamKind::Compute, again);
     },
     {"(copy)", "'prefill.x.host'", "not ordered", "(expert.run_host)"}},
    {"host rows overwritten on a stream that saw no join",
     [](fb::PlanT &p) {
       fb::CopyT again = copy(p, kHiddenCopy);
       insert(p, indexOf(p, Operation::ExpertJoin) + 1, StreamKind::CopyBack,
              again);
     },
     {"(copy)", "'prefill.x.host'", "not ordered", "(expert.run_host)"}},
    {"host results of too few rows",
     [](fb::PlanT &p) {
       step<fb::ExpertRunHostT>(p).outputs = findBuffer(p, "prefill.x.host.1");
     },
     {"(expert.run_host)", "outputs", "at least 1024"}},
    {"join of other results",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).source = findBuffer(p, "prefill.y.host.1");
     },
     {"(expert.join)", "source", "the outputs of the run_host"}},
    {"join by a small stage",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).staged = findBuffer(p, "decode.staged");
     },
     {"(expert.join)", "staged", "bytes", "at least 1024"}},
    {"join with few shares",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).shares = findBuffer(p, "decode.shares");
     },
     {"(expert.join)", "shares", "at least 64"}},
    {"join with shares on the host alone",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).shares = step<fb::ExpertJoinT>(p).shares_host;
     },
     {"(expert.join)", "shares", "expected device memory"}},
    {"shares over the rows that the CPU reads",
     [](fb::PlanT &p) {
       const fb::BufferT &rows = *p.buffers[step<fb::ExpertRunHostT>(p).in];
       fb::BufferT &shares = *p.buffers[step<fb::ExpertJoinT>(p).shares_host];
       shares.arena = rows.arena;
       shares.offset = rows.offset;
     },
     {"(expert.join)", "not ordered", "(expert.run_host)"}},
    {"host shares over an input",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).shares_host = findBuffer(p, "prefill.Tokens");
       buffer(p, "prefill.Tokens").bytes = 64;
     },
     {"(expert.join)", "'prefill.Tokens'", "only read"}},
    {"a launch that writes where results come",
     [](fb::PlanT &p) {
       fb::BufferT &staged = *p.buffers[step<fb::ExpertJoinT>(p).staged];
       fb::LaunchT &sum = launch(p, Kernel::ExpertCombine);
       staged.dtype = p.buffers[sum.operands[2]]->dtype;
       sum.operands[2] = step<fb::ExpertJoinT>(p).staged;
     },
     {"(expert_combine)", "brings results", "launches alone to read it"}},
    {"a run that uses where results come",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p).staged = findBuffer(p, "prefill.inner");
     },
     {"(expert.run)", "inner", "brings results"}},
    {"a copy of what may never be there",
     [](fb::PlanT &p) {
       fb::CopyT logits = copy(p, kHiddenCopy);
       logits.source = step<fb::ExpertJoinT>(p).staged;
       logits.target = step<fb::ExpertRunHostT>(p).outputs;
       insert(p, indexOf(p, Operation::ExpertJoin) + 1, StreamKind::Compute,
              logits);
     },
     {"(copy)", "'prefill.staged'", "brings results"}},
    {"a launch that reads more than the results",
     [](fb::PlanT &p) {
       p.buffers[step<fb::ExpertJoinT>(p).source]->bytes -= 4;
     },
     {"outputs", "at least 1024"}},
    {"results of two sources in one place",
     [](fb::PlanT &p) {
       step<fb::ExpertJoinT>(p, 1).staged = step<fb::ExpertJoinT>(p).staged;
     },
     {"(expert.join)", "staged", "that no join of buffer"}},
    {"a sum without the CPU's results",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertCombine).operands[3] = plan::kNoBuffer;
     },
     {"(expert_combine)", "results", "is missing"}},
    {"a sum without shares",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertCombine).operands[4] = plan::kNoBuffer;
     },
     {"(expert_combine)", "shares", "is missing"}},

    // The run.
    {"unknown arithmetic",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).arithmetic = fb::Arithmetic(2);
     },
     {"(expert.run)", "arithmetic", "found 2"}},
    {"tensor arithmetic over f32",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).arithmetic = fb::Arithmetic::Tensor;
     },
     {"(expert.run)", "'prefill.n2'", "BF16 for tensor arithmetic"}},
    {"run on integers",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).in = findBuffer(p, "prefill.ids");
     },
     {"(expert.run)", "in (", "i32", "bf16 or f32"}},
    {"run with small scratch",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).inner = findBuffer(p, "decode.inner");
     },
     {"(expert.run)", "inner", "at least 512"}},
    {"run with small tables",
     [](fb::PlanT &p) { buffer(p, "prefill.tables").bytes -= 4; },
     {"(expert.run)", "tables", "96 bytes", "at least 100"}},
    {"run with small tables of the host",
     [](fb::PlanT &p) { buffer(p, "prefill.tables.host").bytes -= 4; },
     {"(expert.run)", "tables_host", "96 bytes", "at least 100"}},
    {"run into what load makes",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).inner = findBuffer(p, "cos");
     },
     {"(expert.run)", "'cos'", "only read"}},
    {"run over what it reads",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).inner = step<fb::ExpertRunT>(p).in;
     },
     {"(expert.run)", "writes bytes that it also accesses"}},
    {"run overlapping live buffers",
     [](fb::PlanT &p) {
       buffer(p, "prefill.tables").offset = buffer(p, "prefill.sum").offset;
     },
     {"'prefill.sum'", "overwritten"}},
    {"combine before the run",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertCombine).operands[0] =
           findBuffer(p, "prefill.y.1");
     },
     {"(expert_combine)", "'prefill.y.1'", "nothing has written"}},

    // Prefetches.
    {"prefetch of nothing",
     [](fb::PlanT &p) { step<fb::ExpertPrefetchT>(p).limit = 0; },
     {"(expert.prefetch)", "limit", "found 0", "1 to the pool's 3"}},
    {"prefetch of more than the slots",
     [](fb::PlanT &p) { step<fb::ExpertPrefetchT>(p).limit = 4; },
     {"(expert.prefetch)", "limit", "found 4", "1 to the pool's 3"}},
    {"prefetch from the same bank",
     [](fb::PlanT &p) { step<fb::ExpertPrefetchT>(p).from = 1; },
     {"(expert.prefetch)", "from bank 1 for bank 1"}},
    {"prefetch from what is not known yet",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::ExpertPrefetch),
            indexOf(p, Operation::ExpertDemand));
     },
     {"(expert.prefetch)", "from bank 0", "not demanded yet"}},

    // Graphs.
    {"graph of another number",
     [](fb::PlanT &p) { step<fb::GraphBeginT>(p, 1).graph = 3; },
     {"(graph.begin)", "graph", "found 3", "the next number"}},
    {"end of another graph",
     [](fb::PlanT &p) { step<fb::GraphEndT>(p).graph = 1; },
     {"(graph.end)", "graph", "found 1", "expected 0"}},
    {"graph without a begin",
     [](fb::PlanT &p) { erase(p, Operation::GraphBegin); },
     {"(graph.end)", "expected a graph.begin"}},
    {"graph inside a graph",
     [](fb::PlanT &p) { move(p, indexOf(p, Operation::GraphBegin, 1), 9); },
     {"(graph.begin)", "inside graph 0", "launches and copies"}},
    {"graph without an end",
     [](fb::PlanT &p) {
       erase(p, Operation::GraphBegin);
       erase(p, Operation::GraphEnd);
       step<fb::GraphBeginT>(p).graph = 0;
       move(p, indexOf(p, Operation::GraphBegin),
            prefill(p).instructions.size() - 1);
       erase(p, Operation::GraphEnd);
     },
     {"(graph.begin)", "ends inside the graph"}},
    {"record inside a graph",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::GraphEnd),
            indexOf(p, Operation::Record, 1));
     },
     {"(record)", "inside graph 0", "launches and copies"}},
    {"demand inside a graph",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::GraphBegin),
            indexOf(p, Operation::ExpertDemand) - 1);
       erase(p, Operation::GraphEnd);
     },
     {"(expert.demand)", "inside graph 0"}},
    {"another stream inside a graph",
     [](fb::PlanT &p) {
       instruction(p, Operation::GraphBegin).stream = StreamKind::CopyBack;
     },
     {"on Compute inside graph 0", "expected CopyBack"}},
    {"recording copy inside a graph",
     [](fb::PlanT &p) {
       move(p, indexOf(p, Operation::GraphEnd),
            indexOf(p, Operation::Copy, kHiddenCopy));
       fb::CopyT recording = copy(p, kHiddenCopy);
       recording.recording = true;
       insert(p, indexOf(p, Operation::GraphEnd), StreamKind::Compute,
              recording);
     },
     {"(copy)", "a recording copy inside graph 0"}},
};

} // namespace

class BadExpertSteps : public ::testing::TestWithParam<BadPlan> {};

TEST_P(BadExpertSteps, IsRefusedInOneLine) {
  expectRefused(makeTinyDynamicPlan().plan, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crafted, BadExpertSteps,
                         ::testing::ValuesIn(kBadSteps), nameOf);

TEST(BadExpertParts, EachPartHasItsOwnEventAndComesInOrder) {
  TinyExperts experts;
  experts.parts = 2;
  auto good = [&] { return makeTinyDynamicPlan({.layers = 2}, experts).plan; };
  expectRefused(good(),
                {"one event for two parts",
                 [](fb::PlanT &p) {
                   step<fb::ExpertDemandT>(p, 1).event =
                       step<fb::ExpertDemandT>(p).event;
                 },
                 {"(expert.demand)", "(expert.join)", "expected after it"}});
  expectRefused(good(),
                {"first part twice",
                 [](fb::PlanT &p) { step<fb::ExpertDemandT>(p, 1).part = 0; },
                 {"(expert.demand)", "part 0", "expected part 1 of 2"}});
  expectRefused(good(),
                {"parts that differ",
                 [](fb::PlanT &p) { step<fb::ExpertDemandT>(p, 1).parts = 3; },
                 {"(expert.demand)", "3 parts", "the 2 of its first"}});
  // The sum reads what all parts' joins said.
  expectRefused(good(), {"shares of a part under the tables of the next",
                         [](fb::PlanT &p) {
                           const fb::BufferT &tables =
                               *p.buffers[step<fb::ExpertRunT>(p).tables];
                           fb::BufferT &shares =
                               *p.buffers[step<fb::ExpertJoinT>(p).shares];
                           shares.arena = tables.arena;
                           shares.offset = tables.offset;
                         },
                         {"(expert.join)", "'prefill.shares'"}});
  expectRefused(good(), {"parts into two buffers",
                         [](fb::PlanT &p) {
                           uint32_t other = findBuffer(p, "prefill.y.1");
                           step<fb::ExpertRunT>(p, 1).outputs = other;
                         },
                         {"(expert.run)", "'prefill.y.1'", "nothing has"}});
}
