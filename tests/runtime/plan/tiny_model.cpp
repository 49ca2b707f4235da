//===- tiny_model.cpp - A whole MoE model as a plan written by hand -------===//

#include "runtime/plan/version.h"
#include "tests/runtime/plan/tiny_parts.h"

#include <cmath>

namespace sluice::testing {
namespace {

using fb::DType;
using fb::MemoryKind;
using fb::Role;
using fb::RowKind;
using fb::StreamKind;

fb::PlanT makePlan(const TinyModel &m) {
  fb::PlanT plan;
  plan.version = plan::kVersion;
  plan.compiler = "tests";
  plan.model_dir = "/nowhere";
  plan.model = std::make_unique<fb::ModelT>();
  fb::ModelT &model = *plan.model;
  model.architecture = "Tiny";
  model.name = "tiny";
  model.layers = m.layers;
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

void addRopeTables(PlanWriter &writer, const TinyModel &m, TinyShared &s) {
  uint64_t elements = m.maxPositions * m.headDim / 2;
  s.cos = writer.buffer(s.tables, "cos", DType::F32, elements);
  s.sin = writer.buffer(s.tables, "sin", DType::F32, elements);
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

TinyLayer addLayer(PlanWriter &writer, const TinyModel &m, uint32_t arena,
                   uint32_t index) {
  TinyLayer layer;
  if (index > 0)
    layer.suffix = "." + std::to_string(index);
  auto weight = [&](const char *name, uint64_t elements) {
    return writer.weight(arena, name + layer.suffix, elements);
  };
  uint32_t q = m.heads * m.headDim, kv = m.kvHeads * m.headDim;
  layer.norm1 = weight("norm1", m.hidden);
  layer.wq = weight("wq", q * m.hidden);
  layer.wk = weight("wk", kv * m.hidden);
  layer.wv = weight("wv", kv * m.hidden);
  layer.qNorm = weight("q_norm", m.headDim);
  layer.kNorm = weight("k_norm", m.headDim);
  layer.wo = weight("wo", m.hidden * q);
  layer.norm2 = weight("norm2", m.hidden);
  layer.router = weight("router", m.experts * m.hidden);
  return layer;
}

/// Everything but the experts and the tables.
TinyShared addShared(PlanWriter &writer, const TinyModel &m) {
  TinyShared s;
  uint32_t arena = writer.arena("weights", MemoryKind::Device);
  s.embedding = writer.weight(arena, "embedding", m.vocab * m.hidden);
  for (uint32_t i = 0; i < m.layers; ++i)
    s.layers.push_back(addLayer(writer, m, arena, i));
  s.norm3 = writer.weight(arena, "norm3", m.hidden);
  s.head = writer.weight(arena, "head", m.vocab * m.hidden);
  s.tables = writer.arena("tables", MemoryKind::Device);
  uint32_t cache = writer.arena("kv", MemoryKind::Device);
  uint64_t elements = m.pages * m.pageTokens * m.kvHeads * m.headDim;
  for (TinyLayer &layer : s.layers) {
    layer.kCache =
        writer.buffer(cache, "k_cache" + layer.suffix, m.activations, elements);
    layer.vCache =
        writer.buffer(cache, "v_cache" + layer.suffix, m.activations, elements);
  }
  s.workspace = writer.arena("workspace", MemoryKind::Device);
  s.io = writer.arena("io", MemoryKind::Host);
  return s;
}

/// The inputs of an entry on the device.
struct Inputs {
  uint32_t tokens, position, sequence, pages, row;
};

constexpr float kEps = 1e-6f;

/// Attention and router of a layer over `x`. Gives what goes on around the
/// experts as `sum`.
Routed addAttention(const EntryPart &part, const Inputs &in,
                    const TinyLayer &layer, uint32_t x, uint32_t &sum) {
  const TinyModel &m = part.model;
  const TinyShared &s = part.shared;
  EntryWriter &e = part.entry;
  auto buffer = [&](const char *what, DType type, uint64_t elements) {
    return part.buffer(what + layer.suffix, type, elements);
  };
  auto rows = [&](const char *what, uint64_t elements) {
    return buffer(what, m.activations, part.maxRows * elements);
  };
  int64_t H = m.hidden, D = m.headDim, Q = m.heads * m.headDim,
          KV = m.kvHeads * m.headDim, E = m.experts, K = m.topK;
  uint32_t n1 = rows("n1", H);
  e.launch(Kernel::RmsNorm, {x, layer.norm1, n1}, {1, H}, {kEps});
  uint32_t q = rows("q", Q), k = rows("k", KV), v = rows("v", KV);
  e.launch(Kernel::Linear, {n1, layer.wq, kNone, q}, {H, Q});
  e.launch(Kernel::Linear, {n1, layer.wk, kNone, k}, {H, KV});
  e.launch(Kernel::Linear, {n1, layer.wv, kNone, v}, {H, KV});
  uint32_t qOut = rows("q_out", Q), context = rows("context", Q);
  e.launch(Kernel::QkNormRopeWrite,
           {q, k, v, layer.qNorm, layer.kNorm, in.position, in.sequence,
            in.pages, s.cos, s.sin, qOut, layer.kCache, layer.vCache},
           {m.heads, m.kvHeads, D, m.maxPositions, m.pages, m.pageTokens,
            m.sequences, m.pagesPerSequence},
           {kEps});
  uint32_t scratch =
      buffer("scratch", DType::F32, part.maxRows * m.heads * (D + 2));
  e.launch(Kernel::Attention,
           {qOut, layer.kCache, layer.vCache, in.position, in.sequence,
            in.pages, scratch, context},
           {m.heads, m.kvHeads, D, m.pages, m.pageTokens, m.sequences,
            m.pagesPerSequence, 1, D + 2},
           {1 / std::sqrt(float(D))});
  uint32_t o = rows("o", H);
  sum = rows("sum", H);
  Routed routed;
  routed.hidden = rows("n2", H);
  e.launch(Kernel::Linear, {context, layer.wo, kNone, o}, {Q, H});
  e.launch(Kernel::AddRmsNorm, {x, o, layer.norm2, sum, routed.hidden}, {H},
           {kEps});
  uint32_t scores = buffer("scores", DType::F32, part.maxRows * E);
  routed.ids = buffer("ids", DType::I32, part.maxRows * K);
  routed.weights = buffer("weights", DType::F32, part.maxRows * K);
  e.launch(Kernel::Linear, {routed.hidden, layer.router, kNone, scores},
           {H, E});
  e.launch(Kernel::Route, {scores, routed.ids, routed.weights}, {E, K, 1});
  return routed;
}

/// A layer over `x`; returns its output. `experts` null: all are in slots.
uint32_t addLayer(const EntryPart &part, const Inputs &in,
                  const TinyExperts *experts, uint32_t index, uint32_t x) {
  const TinyModel &m = part.model;
  const TinyLayer &layer = part.shared.layers[index];
  EntryWriter &e = part.entry;
  const bool graph = experts && experts->graphs;
  fb::GraphBeginT begin;
  fb::GraphEndT end;
  begin.graph = end.graph = index;
  if (graph)
    e.add(StreamKind::Compute, begin);
  uint32_t sum;
  Routed routed = addAttention(part, in, layer, x, sum);
  if (graph)
    e.add(StreamKind::Compute, end);
  const ExpertOutputs y = experts
                              ? runDynamicExperts(part, *experts, index, routed)
                              : runStaticExperts(part, index, routed);
  uint64_t elements = uint64_t(part.maxRows) * m.hidden;
  uint32_t moe = part.buffer("moe" + layer.suffix, m.activations, elements),
           x2 = part.buffer("x2" + layer.suffix, m.activations, elements);
  e.launch(Kernel::ExpertCombine,
           {y.values, routed.weights, moe, y.results, y.shares},
           {m.topK, m.hidden, y.results != plan::kNoBuffer});
  e.order(StreamKind::Compute, StreamKind::CopyBack);
  uint32_t io = part.shared.io;
  e.output(io, routed.ids, Role::ExpertIds, index, RowKind::Rows, m.topK);
  e.output(io, routed.weights, Role::ExpertWeights, index, RowKind::Rows,
           m.topK);
  e.launch(Kernel::Add, {sum, moe, x2}, {m.hidden});
  return x2;
}

void addEntry(PlanWriter &writer, const TinyModel &m, const TinyShared &s,
              const TinyExperts *experts, const char *name, uint32_t maxRows) {
  writer.plan.entries.push_back(std::make_unique<fb::EntryT>());
  fb::EntryT &entry = *writer.plan.entries.back();
  entry.name = name;
  entry.max_rows = maxRows;
  entry.max_logit_rows = m.sequences;
  EntryWriter e(writer, entry);
  EntryPart part{writer, e, m, s, name, maxRows};
  Inputs in;
  in.tokens = e.input(s.io, s.workspace, Role::Tokens, RowKind::Rows, 1);
  in.position = e.input(s.io, s.workspace, Role::Positions, RowKind::Rows, 1);
  in.sequence = e.input(s.io, s.workspace, Role::Sequences, RowKind::Rows, 1);
  in.pages = e.input(s.io, s.workspace, Role::PageTable, RowKind::Fixed,
                     m.sequences * m.pagesPerSequence);
  in.row = e.input(s.io, s.workspace, Role::LogitRowIds, RowKind::LogitRows, 1);
  e.order(StreamKind::Demand, StreamKind::Compute);

  uint32_t x = part.buffer("x", m.activations, uint64_t(maxRows) * m.hidden);
  int64_t H = m.hidden, S = m.sequences;
  e.launch(Kernel::Embed, {in.tokens, s.embedding, x}, {m.vocab, H});
  for (uint32_t i = 0; i < m.layers; ++i)
    x = addLayer(part, in, experts, i, x);
  uint32_t last = part.buffer("last", m.activations, S * H),
           n3 = part.buffer("n3", m.activations, S * H);
  uint32_t logits = part.buffer("logits", DType::F32, S * m.vocab);
  e.launch(Kernel::SelectRows, {x, in.row, last}, {H}, {}, RowKind::LogitRows);
  e.launch(Kernel::RmsNorm, {last, s.norm3, n3}, {1, H}, {kEps},
           RowKind::LogitRows);
  e.launch(Kernel::Linear, {n3, s.head, kNone, logits}, {H, m.vocab}, {},
           RowKind::LogitRows);
  e.order(StreamKind::Compute, StreamKind::CopyBack);
  e.output(s.io, logits, Role::Logits, 0, RowKind::LogitRows, m.vocab);
}

TinyPlan makeModel(const TinyModel &model, const TinyExperts *experts) {
  TinyPlan tiny{makePlan(model), {}};
  std::string weights;
  PlanWriter writer(tiny.plan, weights);
  TinyShared shared = addShared(writer, model);
  if (experts)
    addDynamicExperts(writer, model, *experts);
  else
    addStaticExperts(writer, model, shared);
  addRopeTables(writer, model, shared);
  addEntry(writer, model, shared, experts, "prefill", model.prefillRows);
  addEntry(writer, model, shared, experts, "decode", model.sequences);
  tiny.checkpoint = writer.finish();
  return tiny;
}

void addBigramEntry(PlanWriter &writer, const TinyShared &s, const char *name,
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
  return makeModel(model, nullptr);
}

TinyPlan makeTinyDynamicPlan(const TinyModel &model,
                             const TinyExperts &experts) {
  return makeModel(model, &experts);
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
  TinyShared shared;
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
