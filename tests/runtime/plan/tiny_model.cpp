//===- tiny_model.cpp - A whole MoE model as a plan written by hand -------===//

#include "tests/runtime/plan/tiny_model.h"

#include "runtime/plan/version.h"

#include <cmath>

namespace sluice::testing {
namespace {

using fb::DType;
using fb::MemoryKind;
using fb::Role;
using fb::RowKind;
using fb::StreamKind;

/// Buffers that all entries share.
struct Shared {
  uint32_t io, workspace;
  uint32_t embedding, norm1, wq, wk, wv, qNorm, kNorm, wo, norm2, router, norm3,
      head;
  uint32_t pool, slots, cos, sin, kCache, vCache;
};

fb::PlanT makePlan(const TinyModel &m) {
  fb::PlanT plan;
  plan.version = plan::kVersion;
  plan.compiler = "tests";
  plan.model_dir = "/nowhere";
  plan.model = std::make_unique<fb::ModelT>();
  fb::ModelT &model = *plan.model;
  model.architecture = "Tiny";
  model.name = "tiny";
  model.layers = 1;
  model.hidden = m.hidden;
  model.vocab = m.vocab;
  model.experts = m.experts;
  model.top_k = m.topK;
  model.max_sequences = m.sequences;
  model.max_positions = m.maxPositions;
  model.page_tokens = m.pageTokens;
  model.pages = m.pages;
  model.pages_per_sequence = m.pagesPerSequence;
  model.stop_tokens = {m.vocab - 1};
  plan.load = std::make_unique<fb::EntryT>();
  plan.load->name = "load";
  return plan;
}

uint64_t expertElements(const TinyModel &m) {
  return uint64_t(m.hidden) * m.inner;
}

/// The experts' pool: slot e + 1 holds expert e, so that slot 0 is not used.
void addExperts(PlanWriter &writer, const TinyModel &m, Shared &s) {
  uint64_t part = expertElements(m);
  uint32_t arena = writer.arena("experts", MemoryKind::Device);
  s.pool =
      writer.buffer(arena, "pool", DType::BF16, (m.experts + 1) * 3 * part);
  std::vector<fb::Range> ranges;
  for (uint32_t e = 0; e < m.experts; ++e)
    for (int matrix = 0; matrix < 3; ++matrix)
      ranges.push_back(writer.range(part, ((e + 1) * 3 + matrix) * part * 2));
  writer.fetch("experts", std::move(ranges), s.pool);

  uint32_t tables = writer.arena("tables", MemoryKind::Device);
  s.slots = writer.buffer(tables, "slots", DType::I32, m.experts);
  auto constant = std::make_unique<fb::ConstantT>();
  constant->buffer = s.slots;
  for (uint32_t e = 0; e < m.experts; ++e)
    constant->data.insert(constant->data.end(), {uint8_t(e + 1), 0, 0, 0});
  writer.plan.constants.push_back(std::move(constant));

  s.cos =
      writer.buffer(tables, "cos", DType::F32, m.maxPositions * m.headDim / 2);
  s.sin =
      writer.buffer(tables, "sin", DType::F32, m.maxPositions * m.headDim / 2);
  auto rope = std::make_unique<fb::RopeTableT>();
  rope->cos = s.cos;
  rope->sin = s.sin;
  rope->positions = m.maxPositions;
  rope->scale = 1;
  for (uint32_t i = 0; i < m.headDim / 2; ++i)
    rope->inverse_frequencies.push_back(
        std::pow(100.0f, -2.0f * i / m.headDim));
  writer.plan.rope_tables.push_back(std::move(rope));
}

Shared addShared(PlanWriter &writer, const TinyModel &m) {
  Shared s;
  uint32_t arena = writer.arena("weights", MemoryKind::Device);
  uint32_t q = m.heads * m.headDim, kv = m.kvHeads * m.headDim;
  s.embedding = writer.weight(arena, "embedding", m.vocab * m.hidden);
  s.norm1 = writer.weight(arena, "norm1", m.hidden);
  s.wq = writer.weight(arena, "wq", q * m.hidden);
  s.wk = writer.weight(arena, "wk", kv * m.hidden);
  s.wv = writer.weight(arena, "wv", kv * m.hidden);
  s.qNorm = writer.weight(arena, "q_norm", m.headDim);
  s.kNorm = writer.weight(arena, "k_norm", m.headDim);
  s.wo = writer.weight(arena, "wo", m.hidden * q);
  s.norm2 = writer.weight(arena, "norm2", m.hidden);
  s.router = writer.weight(arena, "router", m.experts * m.hidden);
  s.norm3 = writer.weight(arena, "norm3", m.hidden);
  s.head = writer.weight(arena, "head", m.vocab * m.hidden);
  addExperts(writer, m, s);
  uint32_t cache = writer.arena("kv", MemoryKind::Device);
  s.kCache = writer.buffer(cache, "k_cache", m.activations,
                           m.pages * m.pageTokens * kv);
  s.vCache = writer.buffer(cache, "v_cache", m.activations,
                           m.pages * m.pageTokens * kv);
  s.workspace = writer.arena("workspace", MemoryKind::Device);
  s.io = writer.arena("io", MemoryKind::Host);
  return s;
}

void addEntry(PlanWriter &writer, const TinyModel &m, const Shared &s,
              const char *name, uint32_t maxRows) {
  writer.plan.entries.push_back(std::make_unique<fb::EntryT>());
  fb::EntryT &entry = *writer.plan.entries.back();
  entry.name = name;
  entry.max_rows = maxRows;
  entry.max_logit_rows = m.sequences;
  EntryWriter e(writer, entry);
  auto buffer = [&](const char *what, DType type, uint64_t elements) {
    return writer.buffer(s.workspace, std::string(name) + "." + what, type,
                         elements);
  };
  auto rows = [&](const char *what, uint64_t elements) {
    return buffer(what, m.activations, maxRows * elements);
  };
  const DType f32 = DType::F32, i32 = DType::I32;
  const float eps = 1e-6f;
  int64_t H = m.hidden, D = m.headDim, Q = m.heads * m.headDim,
          KV = m.kvHeads * m.headDim;
  int64_t E = m.experts, K = m.topK, I = m.inner, S = m.sequences;

  uint32_t tokens = e.input(s.io, s.workspace, Role::Tokens, RowKind::Rows, 1);
  uint32_t position =
      e.input(s.io, s.workspace, Role::Positions, RowKind::Rows, 1);
  uint32_t sequence =
      e.input(s.io, s.workspace, Role::Sequences, RowKind::Rows, 1);
  uint32_t pages = e.input(s.io, s.workspace, Role::PageTable, RowKind::Fixed,
                           m.sequences * m.pagesPerSequence);
  uint32_t row =
      e.input(s.io, s.workspace, Role::LogitRowIds, RowKind::LogitRows, 1);
  e.order(StreamKind::Demand, StreamKind::Compute);

  uint32_t x = rows("x", H), n1 = rows("n1", H);
  e.launch(Kernel::Embed, {tokens, s.embedding, x}, {m.vocab, H});
  e.launch(Kernel::RmsNorm, {x, s.norm1, n1}, {1, H}, {eps});
  uint32_t q = rows("q", Q), k = rows("k", KV), v = rows("v", KV);
  e.launch(Kernel::Linear, {n1, s.wq, kNone, q}, {H, Q});
  e.launch(Kernel::Linear, {n1, s.wk, kNone, k}, {H, KV});
  e.launch(Kernel::Linear, {n1, s.wv, kNone, v}, {H, KV});
  uint32_t qOut = rows("q_out", Q), context = rows("context", Q);
  e.launch(Kernel::QkNormRopeWrite,
           {q, k, v, s.qNorm, s.kNorm, position, sequence, pages, s.cos, s.sin,
            qOut, s.kCache, s.vCache},
           {m.heads, m.kvHeads, D, m.maxPositions, m.pages, m.pageTokens,
            m.sequences, m.pagesPerSequence},
           {eps});
  uint32_t scratch = buffer("scratch", f32, maxRows * m.heads * (D + 2));
  e.launch(
      Kernel::Attention,
      {qOut, s.kCache, s.vCache, position, sequence, pages, scratch, context},
      {m.heads, m.kvHeads, D, m.pages, m.pageTokens, m.sequences,
       m.pagesPerSequence, 1, D + 2},
      {1 / std::sqrt(float(D))});
  uint32_t o = rows("o", H), sum = rows("sum", H), n2 = rows("n2", H);
  e.launch(Kernel::Linear, {context, s.wo, kNone, o}, {Q, H});
  e.launch(Kernel::AddRmsNorm, {x, o, s.norm2, sum, n2}, {H}, {eps});

  uint32_t scores = buffer("scores", f32, maxRows * E),
           ids = buffer("ids", i32, maxRows * K);
  uint32_t weights = buffer("weights", f32, maxRows * K);
  e.launch(Kernel::Linear, {n2, s.router, kNone, scores}, {H, E});
  e.launch(Kernel::Route, {scores, ids, weights}, {E, K, 1});
  uint32_t offsets = buffer("offsets", i32, E + 1),
           order = buffer("order", i32, maxRows * K);
  e.launch(Kernel::ExpertDemand, {ids, offsets, order}, {E, K});
  int64_t part = expertElements(m);
  uint32_t inner = buffer("inner", f32, maxRows * K * I),
           y = buffer("y", f32, maxRows * K * H);
  e.launch(Kernel::ExpertGateUp, {n2, offsets, order, s.slots, s.pool, inner},
           {E, K, H, I, E + 1, 3 * part, 0, part});
  e.launch(Kernel::ExpertDown, {inner, offsets, order, s.slots, s.pool, y},
           {E, K, H, I, E + 1, 3 * part, 2 * part});
  uint32_t moe = rows("moe", H), x2 = rows("x2", H);
  e.launch(Kernel::ExpertCombine, {y, weights, moe}, {K, H});
  e.order(StreamKind::Compute, StreamKind::CopyBack);
  e.output(s.io, ids, Role::ExpertIds, 0, RowKind::Rows, K);
  e.output(s.io, weights, Role::ExpertWeights, 0, RowKind::Rows, K);
  e.launch(Kernel::Add, {sum, moe, x2}, {H});

  uint32_t last = buffer("last", m.activations, S * H),
           n3 = buffer("n3", m.activations, S * H);
  uint32_t logits = buffer("logits", f32, S * m.vocab);
  e.launch(Kernel::SelectRows, {x2, row, last}, {H}, {}, RowKind::LogitRows);
  e.launch(Kernel::RmsNorm, {last, s.norm3, n3}, {1, H}, {eps},
           RowKind::LogitRows);
  e.launch(Kernel::Linear, {n3, s.head, kNone, logits}, {H, m.vocab}, {},
           RowKind::LogitRows);
  e.order(StreamKind::Compute, StreamKind::CopyBack);
  e.output(s.io, logits, Role::Logits, 0, RowKind::LogitRows, m.vocab);
}

void addBigramEntry(PlanWriter &writer, const Shared &s, const char *name,
                    int64_t vocab, int64_t hidden) {
  writer.plan.entries.push_back(std::make_unique<fb::EntryT>());
  fb::EntryT &entry = *writer.plan.entries.back();
  entry.name = name;
  entry.max_rows = 4;
  entry.max_logit_rows = 4;
  EntryWriter e(writer, entry);
  uint32_t tokens = e.input(s.io, s.workspace, Role::Tokens, RowKind::Rows, 1);
  e.input(s.io, s.workspace, Role::Positions, RowKind::Rows, 1);
  e.input(s.io, s.workspace, Role::Sequences, RowKind::Rows, 1);
  e.input(s.io, s.workspace, Role::PageTable, RowKind::Fixed, 4);
  uint32_t row =
      e.input(s.io, s.workspace, Role::LogitRowIds, RowKind::LogitRows, 1);
  e.order(StreamKind::Demand, StreamKind::Compute);
  std::string prefix = std::string(name) + ".";
  uint32_t x = writer.buffer(s.workspace, prefix + "x", DType::F32, 4 * hidden);
  uint32_t last =
      writer.buffer(s.workspace, prefix + "last", DType::F32, 4 * hidden);
  uint32_t logits =
      writer.buffer(s.workspace, prefix + "logits", DType::F32, 4 * vocab);
  e.launch(Kernel::Embed, {tokens, s.embedding, x}, {vocab, hidden});
  e.launch(Kernel::SelectRows, {x, row, last}, {hidden}, {},
           RowKind::LogitRows);
  e.launch(Kernel::Linear, {last, s.head, kNone, logits}, {hidden, vocab}, {},
           RowKind::LogitRows);
  e.order(StreamKind::Compute, StreamKind::CopyBack);
  e.output(s.io, logits, Role::Logits, 0, RowKind::LogitRows, vocab);
}

} // namespace

TinyPlan makeTinyPlan(const TinyModel &model) {
  TinyPlan tiny{makePlan(model), {}};
  std::string weights;
  PlanWriter writer(tiny.plan, weights);
  Shared shared = addShared(writer, model);
  addEntry(writer, model, shared, "prefill", model.prefillRows);
  addEntry(writer, model, shared, "decode", model.sequences);
  tiny.checkpoint = writer.finish();
  return tiny;
}

TinyPlan makeBigramPlan(uint32_t vocab, uint32_t hidden) {
  TinyModel model;
  model.vocab = vocab;
  model.hidden = hidden;
  model.experts = model.topK = 0;
  model.sequences = 4;
  model.pagesPerSequence = 1;
  model.maxPositions = 8;
  TinyPlan tiny{makePlan(model), {}};
  std::string weights;
  PlanWriter writer(tiny.plan, weights);
  Shared shared;
  uint32_t arena = writer.arena("weights", MemoryKind::Device);
  shared.embedding = writer.weight(arena, "embedding", vocab * hidden);
  shared.head = writer.weight(arena, "head", vocab * hidden);
  shared.workspace = writer.arena("workspace", MemoryKind::Device);
  shared.io = writer.arena("io", MemoryKind::Host);
  addBigramEntry(writer, shared, "prefill", vocab, hidden);
  addBigramEntry(writer, shared, "decode", vocab, hidden);
  tiny.checkpoint = writer.finish();
  return tiny;
}

} // namespace sluice::testing
