//===- bad_plan_test.cpp - Crafted bad plans end in one clear line --------===//
//
// Each case spoils one thing of a good plan and names what the error must say.
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/plan/bad_plans.h"
#include "tests/runtime/plan/tiny_model.h"

#include <cmath>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// Puts another range in the place of the embedding's.
void moveRange(fb::PlanT &plan, uint32_t file, uint64_t sourceOffset,
               uint64_t targetOffset) {
  fb::Range &range = plan.sources[0]->ranges[0];
  range = fb::Range(file, sourceOffset, targetOffset, range.bytes());
}

const BadPlan kBadPlans[] = {
    {"version",
     [](fb::PlanT &p) { p.version = 99; },
     {"plan version", "99", "expected 3"}},
    {"top_k above experts",
     [](fb::PlanT &p) { p.model->top_k = 5; },
     {"model top_k", "found 5", "0 to 4"}},
    {"vocab beyond i32",
     [](fb::PlanT &p) { p.model->vocab = 1u << 31; },
     {"model vocab"}},
    {"positions beyond the pages",
     [](fb::PlanT &p) { p.model->max_positions = 33; },
     {"max_positions", "33", "32"}},
    {"a sequence of more pages than there are",
     [](fb::PlanT &p) { p.model->pages_per_sequence = 5; },
     {"pages_per_sequence", "found 5"}},
    {"stop token beyond the vocabulary",
     [](fb::PlanT &p) { p.model->stop_tokens = {24}; },
     {"stop_tokens", "24"}},
    {"path with ..",
     [](fb::PlanT &p) {
       p.files[0]->path = "../model.safetensors";
       sealFingerprint(p);
     },
     {"file 0", "../model", "relative path"}},
    {"absolute path",
     [](fb::PlanT &p) {
       p.files[0]->path = "/etc/passwd";
       sealFingerprint(p);
     },
     {"file 0", "/etc/passwd"}},
    {"path of a folder",
     [](fb::PlanT &p) {
       p.files[0]->path = "a/";
       sealFingerprint(p);
     },
     {"file 0", "'a/'"}},
    {"file listed twice",
     [](fb::PlanT &p) {
       p.files.push_back(std::make_unique<fb::FileT>(*p.files[0]));
       sealFingerprint(p);
     },
     {"file 1", "twice"}},
    {"fingerprint",
     [](fb::PlanT &p) { p.fingerprint ^= 1; },
     {"fingerprint", "expected"}},
    {"relative model_dir",
     [](fb::PlanT &p) { p.model_dir = "models"; },
     {"model_dir", "'models'", "absolute"}},
    {"control characters in a name",
     [](fb::PlanT &p) {
       buffer(p, "wq").name = "w\n\x1b[31m";
       buffer(p, "w\n\x1b[31m").arena = 77;
     },
     {"'w??[31m'", "found 77"}},
    {"arenas of 2^63 bytes",
     [](fb::PlanT &p) { p.arenas[0]->bytes = 1ull << 63; },
     {"arena 0 'weights'", "2^62"}},
    {"arena larger than its buffers",
     [](fb::PlanT &p) { p.arenas[0]->bytes += 4096; },
     {"arena 0 'weights'", "at most"}},
    {"buffer beyond its arena",
     [](fb::PlanT &p) { buffer(p, "head").bytes += 4096; },
     {"'head'", "inside the arena"}},
    {"buffer whose end wraps",
     [](fb::PlanT &p) { buffer(p, "head").offset = ~0ull << 8; },
     {"'head'", "inside the arena"}},
    {"misaligned buffer",
     [](fb::PlanT &p) { buffer(p, "norm1").offset += 2; },
     {"'norm1'", "a multiple of 256"}},
    {"empty buffer",
     [](fb::PlanT &p) { buffer(p, "norm1").bytes = 0; },
     {"'norm1'", "0 bytes"}},
    {"unknown dtype",
     [](fb::PlanT &p) { buffer(p, "norm1").dtype = fb::DType(9); },
     {"'norm1'", "dtype", "9"}},
    {"unknown memory kind",
     [](fb::PlanT &p) { p.arenas[0]->kind = fb::MemoryKind(2); },
     {"arena 0", "kind"}},
    {"range of no file",
     [](fb::PlanT &p) { moveRange(p, 3, 256, 0); },
     {"source 0 'embedding'", "file", "3"}},
    {"range beyond its file",
     [](fb::PlanT &p) { moveRange(p, 0, 1 << 20, 0); },
     {"source 0 'embedding'", "model.safetensors", "inside"}},
    {"range whose end wraps",
     [](fb::PlanT &p) { moveRange(p, 0, ~0ull, 0); },
     {"source 0 'embedding'", "inside"}},
    {"range beyond its buffer",
     [](fb::PlanT &p) { moveRange(p, 0, 256, 2); },
     {"load instruction 0 (fetch)", "'embedding'", "inside"}},
    {"overlapping ranges",
     [](fb::PlanT &p) {
       p.sources.back()->ranges[1] = p.sources.back()->ranges[0];
     },
     {"'experts'", "overlap"}},
    {"constant of another size",
     [](fb::PlanT &p) { p.constants[0]->data.pop_back(); },
     {"constant 0", "15 bytes", "16"}},
    {"constant into an arena of the host",
     [](fb::PlanT &p) {
       p.constants[0]->buffer = findBuffer(p, "prefill.Tokens");
       p.constants[0]->data.resize(32);
     },
     {"constant 0", "host memory"}},
    {"constant filled twice",
     [](fb::PlanT &p) {
       p.constants.push_back(std::make_unique<fb::ConstantT>(*p.constants[0]));
     },
     {"constant 1", "twice"}},
    {"slot beyond the pool",
     [](fb::PlanT &p) { p.constants[0]->data[4] = 5; },
     {"expert_gate_up", "'slots'", "slots 1 to 5", "0 to 4"}},
    {"negative slot",
     [](fb::PlanT &p) { p.constants[0]->data[7] = 0x80; },
     {"expert_gate_up", "'slots'"}},
    {"rope table of another size",
     [](fb::PlanT &p) { p.rope_tables[0]->positions = 31; },
     {"rope table 0", "'cos'"}},
    {"rope frequency not finite",
     [](fb::PlanT &p) { p.rope_tables[0]->inverse_frequencies[0] = NAN; },
     {"rope table 0", "finite"}},
    {"one entry", [](fb::PlanT &p) { p.entries.pop_back(); }, {"no 'decode'"}},
    {"two prefills",
     [](fb::PlanT &p) { p.entries[1]->name = "prefill"; },
     {"'prefill'", "once each"}},
    {"no rows",
     [](fb::PlanT &p) { prefill(p).max_rows = 0; },
     {"prefill", "max_rows", "found 0"}},
    {"more logit rows than rows",
     [](fb::PlanT &p) { prefill(p).max_logit_rows = 9; },
     {"max_logit_rows", "found 9"}},
    {"port missing",
     [](fb::PlanT &p) { prefill(p).inputs.pop_back(); },
     {"prefill", "no input LogitRowIds"}},
    {"port twice",
     [](fb::PlanT &p) {
       prefill(p).inputs.push_back(
           std::make_unique<fb::PortT>(*prefill(p).inputs[0]));
     },
     {"Tokens of layer 0", "twice"}},
    {"output as an input",
     [](fb::PlanT &p) { prefill(p).inputs[0]->role = fb::Role::Logits; },
     {"prefill input 0", "Logits"}},
    {"unknown role",
     [](fb::PlanT &p) { prefill(p).inputs[0]->role = fb::Role(44); },
     {"prefill input 0", "role", "44"}},
    {"port too small",
     [](fb::PlanT &p) { buffer(p, "prefill.Tokens").bytes = 28; },
     {"Tokens of layer 0", "28 bytes", "at least 32"}},
    {"port in device memory",
     [](fb::PlanT &p) {
       prefill(p).inputs[0]->buffer = findBuffer(p, "prefill.Tokens.device");
     },
     {"Tokens", "device memory", "expected host"}},
    {"port of a layer there is not",
     [](fb::PlanT &p) { prefill(p).outputs[0]->layer = 1; },
     {"prefill output 0", "layer", "below 1"}},
    {"output nobody fills",
     [](fb::PlanT &p) {
       copy(p, 7).target = findBuffer(p, "decode.Logits");
       copy(p, 7).rows = fb::RowKind::LogitRows;
     },
     {"Logits", "no copy fills"}},
    {"logits only while recording",
     [](fb::PlanT &p) { copy(p, 7).recording = true; },
     {"Logits", "no copy fills"}},
    {"unknown kernel",
     [](fb::PlanT &p) { launch(p, Kernel::Add).kernel = fb::Kernel(999); },
     {"(launch)", "kernel", "999"}},
    {"unknown arithmetic",
     [](fb::PlanT &p) { launch(p, Kernel::Add).arithmetic = fb::Arithmetic(2); },
     {"(add)", "arithmetic"}},
    {"unknown stream",
     [](fb::PlanT &p) { prefill(p).instructions[0]->stream = fb::StreamKind(4); },
     {"prefill instruction 0", "stream"}},
    {"launch of no rows",
     [](fb::PlanT &p) { launch(p, Kernel::Add).rows = fb::RowKind::Fixed; },
     {"(add)", "rows"}},
    {"operand too few",
     [](fb::PlanT &p) { launch(p, Kernel::Add).operands.pop_back(); },
     {"(add)", "2 operands", "expected 3"}},
    {"dim too many",
     [](fb::PlanT &p) { launch(p, Kernel::Add).dims.push_back(1); },
     {"(add)", "2 dims", "expected 1"}},
    {"scalar missing",
     [](fb::PlanT &p) { launch(p, Kernel::RmsNorm).scalars.clear(); },
     {"(rms_norm)", "0 scalars"}},
    {"scalar not finite",
     [](fb::PlanT &p) { launch(p, Kernel::RmsNorm).scalars[0] = INFINITY; },
     {"(rms_norm)", "eps", "finite"}},
    {"negative dim",
     [](fb::PlanT &p) { launch(p, Kernel::Add).dims[0] = -1; },
     {"(add)", "dims", "2^31"}},
    {"dims whose product is huge",
     [](fb::PlanT &p) { launch(p, Kernel::Linear).dims = {1ll << 31, 1ll << 31}; },
     {"(linear)", "expected at least"}},
    {"heads no multiple of kv heads",
     [](fb::PlanT &p) { launch(p, Kernel::Attention).dims[1] = 3; },
     {"(attention)", "multiple of kv_heads"}},
    {"operand missing",
     [](fb::PlanT &p) { launch(p, Kernel::Linear).operands[1] = kNone; },
     {"(linear)", "weight", "missing"}},
    {"operand of no buffer",
     [](fb::PlanT &p) { launch(p, Kernel::Linear).operands[1] = 4000; },
     {"(linear)", "weight", "4000"}},
    {"operand too small",
     [](fb::PlanT &p) {
       launch(p, Kernel::Linear).operands[1] = findBuffer(p, "norm1");
     },
     {"(linear)", "'norm1'", "32 bytes", "at least 512"}},
    {"operand in host memory",
     [](fb::PlanT &p) {
       launch(p, Kernel::Embed).operands[0] = findBuffer(p, "prefill.Tokens");
     },
     {"(embed)", "host memory"}},
    {"operand of the wrong type",
     [](fb::PlanT &p) {
       launch(p, Kernel::Route).operands[0] = findBuffer(p, "prefill.ids");
     },
     {"(route)", "'prefill.ids'", "i32", "expected f32"}},
    {"activations that differ",
     [](fb::PlanT &p) { buffer(p, "prefill.sum").dtype = fb::DType::BF16; },
     {"(add_rms_norm)", "'prefill.sum'", "expected F32"}},
    {"tensor arithmetic over f32",
     [](fb::PlanT &p) {
       launch(p, Kernel::Linear).arithmetic = fb::Arithmetic::Tensor;
     },
     {"(linear)", "tensor arithmetic", "BF16"}},
    {"vocab beyond the checked tokens",
     [](fb::PlanT &p) { launch(p, Kernel::Embed).dims[0] = 23; },
     {"(embed)", "vocab", "the model's 24"}},
    {"cache of fewer pages",
     [](fb::PlanT &p) { launch(p, Kernel::Attention).dims[3] = 3; },
     {"(attention)", "pages", "the model's 4"}},
    {"rope table of fewer positions",
     [](fb::PlanT &p) { launch(p, Kernel::QkNormRopeWrite).dims[3] = 31; },
     {"positions", "31", "at least"}},
    {"scratch for fewer splits",
     [](fb::PlanT &p) { launch(p, Kernel::Attention).dims[7] = 0; },
     {"(attention)", "splits", "at least 1"}},
    {"tokens from the workspace",
     [](fb::PlanT &p) {
       launch(p, Kernel::Embed).operands[0] = findBuffer(p, "prefill.ids");
     },
     {"(embed)", "tokens", "copy of the input Tokens"}},
    {"positions as tokens",
     [](fb::PlanT &p) {
       launch(p, Kernel::Embed).operands[0] =
           findBuffer(p, "prefill.Positions.device");
     },
     {"(embed)", "tokens", "copy of the input Tokens"}},
    {"page table from the sequences",
     [](fb::PlanT &p) {
       launch(p, Kernel::Attention).operands[5] =
           findBuffer(p, "prefill.Sequences.device");
     },
     {"(attention)", "page_table", "PageTable"}},
    {"tokens of the logit rows",
     [](fb::PlanT &p) { launch(p, Kernel::Embed).rows = fb::RowKind::LogitRows; },
     {"(embed)", "tokens"}},
    {"half a page table",
     [](fb::PlanT &p) { copy(p, 3).bytes /= 2; },
     {"page_table", "copy of the input PageTable"}},
    {"expert ids from the tokens",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertDemand).operands[0] =
           findBuffer(p, "prefill.order");
     },
     {"(expert_demand)"}},
    {"order of no demand",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertDown).operands[2] = findBuffer(p, "prefill.ids");
     },
     {"(expert_down)", "order"}},
    {"slots that are no constant",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertDown).operands[3] = findBuffer(p, "prefill.ids");
     },
     {"(expert_down)", "slot numbers"}},
    {"constant written by a launch",
     [](fb::PlanT &p) {
       launch(p, Kernel::ExpertDemand).operands[1] = findBuffer(p, "slots");
       launch(p, Kernel::ExpertDemand).dims = {4, 2};
       buffer(p, "slots").bytes = 20;
       p.constants[0]->data.resize(20);
       buffer(p, "slots").bytes = 20;
     },
     {"(expert_demand)", "'slots'", "only read"}},
    {"weights written by a launch",
     [](fb::PlanT &p) {
       launch(p, Kernel::Linear).operands[3] = findBuffer(p, "embedding");
     },
     {"(linear)", "'embedding'", "only read"}},
    {"copy within the device",
     [](fb::PlanT &p) { copy(p, 0).source = findBuffer(p, "prefill.ids"); },
     {"(copy)", "both in device"}},
    {"copy beyond a buffer",
     [](fb::PlanT &p) { copy(p, 0).bytes = 8; },
     {"(copy)", "8 bytes times 8", "fit both"}},
    {"copy between types",
     [](fb::PlanT &p) { copy(p, 6).source = findBuffer(p, "prefill.ids"); },
     {"(copy)", "from I32 to F32"}},
    {"copy over an input",
     [](fb::PlanT &p) {
       copy(p, 5).target = findBuffer(p, "prefill.Tokens");
       copy(p, 5).bytes = 4;
     },
     {"(copy)", "'prefill.Tokens'", "only read"}},
    {"recording copy into the device",
     [](fb::PlanT &p) { copy(p, 0).recording = true; },
     {"(copy)", "recording"}},
    {"fetch in a step",
     [](fb::PlanT &p) {
       prefill(p).instructions.insert(
           prefill(p).instructions.begin(),
           std::make_unique<fb::InstructionT>(*p.load->instructions[0]));
     },
     {"prefill instruction 0 (fetch)", "load entry"}},
    {"launch in load",
     [](fb::PlanT &p) {
       p.load->instructions.push_back(
           std::make_unique<fb::InstructionT>(*p.entries[0]->instructions[10]));
     },
     {"load instruction", "launch"}},
    {"fetch of no source",
     [](fb::PlanT &p) { p.load->instructions[0]->operation.AsFetch()->source = 99; },
     {"load instruction 0 (fetch)", "source", "99"}},
    {"event beyond the entry's",
     [](fb::PlanT &p) { prefill(p).events = 2; },
     {"event", "found 2", "below the entry's 2"}},
    {"wait before the record",
     [](fb::PlanT &p) { erase(p, fb::Operation::Record, 0); },
     {"(wait)", "not recorded"}},
    {"event recorded twice",
     [](fb::PlanT &p) {
       for (auto &i : prefill(p).instructions)
         if (auto *r = i->operation.AsRecord())
           r->event = 0;
     },
     {"(record)", "recorded already"}},
    {"inputs not waited for",
     [](fb::PlanT &p) { erase(p, fb::Operation::Wait, 0); },
     {"(embed)", "not ordered"}},
    {"logits copied before they are there",
     [](fb::PlanT &p) { erase(p, fb::Operation::Wait, 2); },
     {"(copy)", "not ordered"}},
    {"overlapping live buffers",
     [](fb::PlanT &p) {
       buffer(p, "prefill.k").offset = buffer(p, "prefill.q").offset;
     },
     {"'prefill.q'", "overwritten"}},
    {"workspace over the weights",
     [](fb::PlanT &p) {
       buffer(p, "prefill.x").arena = buffer(p, "wq").arena;
       buffer(p, "prefill.x").offset = buffer(p, "wq").offset;
     },
     {"'wq'", "overwritten"}},
    {"a launch that writes what it reads",
     [](fb::PlanT &p) {
       launch(p, Kernel::Add).operands[2] = launch(p, Kernel::Add).operands[0];
     },
     {"(add)", "writes bytes that it also accesses"}},
    {"weights that the load entry does not fill",
     [](fb::PlanT &p) {
       launch(p, Kernel::RmsNorm).operands[1] = launch(p, Kernel::Add).operands[2];
     },
     {"(rms_norm)", "is not filled by the load entry"}},
    {"a buffer nobody wrote",
     [](fb::PlanT &p) {
       launch(p, Kernel::RmsNorm).operands[0] = findBuffer(p, "prefill.o");
     },
     {"(rms_norm)", "nothing has written"}},
};

} // namespace

class BadPlans : public ::testing::TestWithParam<BadPlan> {};

TEST_P(BadPlans, IsRefusedInOneLine) {
  expectRefused(makeTinyPlan().plan, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crafted, BadPlans, ::testing::ValuesIn(kBadPlans),
                         nameOf);

TEST(BadFiles, EmptyTruncatedAndForeign) {
  std::vector<uint8_t> good = pack(makeTinyPlan().plan);
  auto refused = [](std::vector<uint8_t> bytes, std::string_view part) {
    auto plan = plan::Plan::fromBytes(std::move(bytes), "bad.plan");
    ASSERT_FALSE(plan.isOk());
    expectLine(plan.status().message(), {"bad.plan: ", part});
  };
  refused({}, "found 0");
  refused({good.begin(), good.begin() + 12}, "found 12");
  refused({good.begin(), good.begin() + good.size() / 2}, "damaged");
  refused(std::vector<uint8_t>(4096), "not a Sluice plan");
  refused(std::vector<uint8_t>(4096, 0xff), "not a Sluice plan");
  std::vector<uint8_t> magic = good;
  magic[4] ^= 0x20;
  refused(magic, "identifier 'SLPL'");
  // Up to 7 bytes at the end are padding.
  for (size_t length = 0; length + 8 <= good.size(); length += 7)
    EXPECT_FALSE(
        plan::Plan::fromBytes({good.begin(), good.begin() + length}, "cut")
            .isOk())
        << length;
}

TEST(BadFiles, UnknownOperation) {
  std::vector<uint8_t> bytes = pack(makeTinyPlan().plan);
  const fb::Instruction *instruction =
      fb::GetPlan(bytes.data())->entries()->Get(0)->instructions()->Get(0);
  auto *table = reinterpret_cast<const flatbuffers::Table *>(instruction);
  auto *type = const_cast<uint8_t *>(
      table->GetAddressOf(fb::Instruction::VT_OPERATION_TYPE));
  for (uint8_t value : {0, 16, 255}) {
    *type = value;
    auto plan = plan::Plan::fromBytes(bytes, "bad.plan");
    ASSERT_FALSE(plan.isOk());
    expectLine(plan.status().message(),
               {"prefill instruction 0 (unknown)", "operation"});
  }
}

// Vectors of 8-byte elements that begin 4 bytes later, where a length stands by
// chance: FlatBuffers finds nothing wrong with them.
TEST(BadFiles, CrookedAddresses) {
  auto shift = [](const void *table, flatbuffers::voffset_t field) {
    auto *offset = const_cast<uint8_t *>(
        static_cast<const flatbuffers::Table *>(table)->GetAddressOf(field));
    auto value = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(offset);
    auto *vector = offset + value;
    flatbuffers::WriteScalar<flatbuffers::uoffset_t>(vector + 4, 1);
    flatbuffers::WriteScalar<flatbuffers::uoffset_t>(offset, value + 4);
  };
  std::vector<uint8_t> bytes = pack(makeTinyPlan().plan);
  const fb::Plan *plan = fb::GetPlan(bytes.data());
  shift(plan->sources()->Get(0), fb::Source::VT_RANGES);
  auto ranges = plan::Plan::fromBytes(bytes, "bad.plan");
  ASSERT_FALSE(ranges.isOk());
  expectLine(ranges.status().message(), {"ranges at a crooked address"});

  bytes = pack(makeTinyPlan().plan);
  bool found = false;
  for (const fb::Instruction *instruction :
       *fb::GetPlan(bytes.data())->entries()->Get(0)->instructions()) {
    const fb::Launch *launch = instruction->operation_as_Launch();
    if (found || !launch || launch->dims()->size() != 1)
      continue;
    shift(launch, fb::Launch::VT_DIMS);
    found = true;
  }
  ASSERT_TRUE(found);
  auto dims = plan::Plan::fromBytes(bytes, "bad.plan");
  ASSERT_FALSE(dims.isOk());
  expectLine(dims.status().message(), {"dims at a crooked address"});
}
