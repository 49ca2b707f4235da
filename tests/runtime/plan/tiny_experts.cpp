//===- tiny_experts.cpp - The experts of the tiny model -------------------===//

#include "runtime/plan/version.h"
#include "tests/runtime/plan/tiny_parts.h"

namespace sluice::testing {
namespace {

using fb::DType;
using fb::MemoryKind;
using fb::RowKind;
using fb::StreamKind;

constexpr uint64_t kWeightBytes = 2; // bf16

int64_t matrixElements(const TinyModel &m) {
  return int64_t(m.hidden) * m.inner;
}

/// A slot of the dynamic plan: up, gate, down and some bytes of nothing, so
/// that an order or a size taken for granted shows.
struct SlotLayout {
  explicit SlotLayout(const TinyModel &m)
      : gate(matrixElements(m)), up(0), down(2 * gate),
        bytes(3 * gate * kWeightBytes + plan::kBufferAlignment) {}
  uint64_t gate, up, down; ///< Elements.
  uint64_t bytes;
};

} // namespace

std::vector<fb::Range> expertRanges(PlanWriter &writer, const TinyModel &m,
                                    uint64_t slotBytes,
                                    const uint64_t (&offsets)[3]) {
  std::vector<fb::Range> ranges;
  for (uint32_t e = 0; e < m.experts; ++e)
    for (uint64_t offset : offsets)
      ranges.push_back(writer.range(matrixElements(m), e * slotBytes + offset));
  return ranges;
}

void addStaticExperts(PlanWriter &writer, const TinyModel &m, TinyShared &s) {
  uint64_t part = matrixElements(m), matrix = part * kWeightBytes;
  uint32_t arena = writer.arena("experts", MemoryKind::Device);
  for (TinyLayer &layer : s.layers) {
    layer.pool = writer.buffer(arena, "pool" + layer.suffix, DType::BF16,
                               (m.experts + 1) * 3 * part);
    // The first slot holds nothing.
    writer.fetch("experts" + layer.suffix,
                 expertRanges(writer, m, 3 * matrix,
                              {3 * matrix, 4 * matrix, 5 * matrix}),
                 layer.pool);
  }
  for (TinyLayer &layer : s.layers) {
    layer.slots =
        writer.buffer(s.tables, "slots" + layer.suffix, DType::I32, m.experts);
    auto constant = std::make_unique<fb::ConstantT>();
    constant->buffer = layer.slots;
    for (uint32_t e = 0; e < m.experts; ++e)
      constant->data.insert(constant->data.end(), {uint8_t(e + 1), 0, 0, 0});
    writer.plan.constants.push_back(std::move(constant));
  }
}

ExpertOutputs runStaticExperts(const EntryPart &part, uint32_t index,
                               const Routed &routed) {
  const TinyModel &m = part.model;
  const TinyLayer &layer = part.shared.layers[index];
  int64_t E = m.experts, K = m.topK, H = m.hidden, I = m.inner;
  uint32_t offsets = part.buffer("offsets" + layer.suffix, DType::I32, E + 1),
           order = part.buffer("order" + layer.suffix, DType::I32,
                               part.maxRows * K);
  part.entry.launch(Kernel::ExpertDemand, {routed.ids, offsets, order}, {E, K});
  int64_t matrix = matrixElements(m);
  uint32_t inner = part.buffer("inner" + layer.suffix, DType::F32,
                               part.maxRows * K * I),
           y = part.buffer("y" + layer.suffix, DType::F32,
                           part.maxRows * K * H);
  part.entry.launch(
      Kernel::ExpertGateUp,
      {routed.hidden, offsets, order, layer.slots, layer.pool, inner},
      {E, K, H, I, E + 1, 3 * matrix, 0, matrix});
  part.entry.launch(Kernel::ExpertDown,
                    {inner, offsets, order, layer.slots, layer.pool, y},
                    {E, K, H, I, E + 1, 3 * matrix, 2 * matrix});
  return {y};
}

void addDynamicExperts(PlanWriter &writer, const TinyModel &m,
                       const TinyExperts &experts) {
  SlotLayout slot(m);
  fb::PlanT &plan = writer.plan;
  plan.policy = experts.policy;
  plan.expert_mode = experts.split ? "split" : "fetch";
  uint64_t hosted = 0, turn = 0;
  for (uint32_t b = 0; b < m.layers; ++b) {
    auto bank = std::make_unique<fb::ExpertBankT>();
    bank->layer = b;
    bank->source = writer.source(
        "experts" + (b ? "." + std::to_string(b) : ""),
        expertRanges(writer, m, slot.bytes,
                     {slot.gate * kWeightBytes, slot.up * kWeightBytes,
                      slot.down * kWeightBytes}));
    bank->experts = m.experts;
    bank->top_k = m.topK;
    bank->hidden = m.hidden;
    bank->inner = m.inner;
    bank->gate_offset = slot.gate;
    bank->up_offset = slot.up;
    bank->down_offset = slot.down;
    for (uint32_t e = 0; e < m.experts; ++e) {
      fb::Home home = experts.homes[turn++ % experts.homes.size()];
      bank->homes.push_back(uint8_t(home));
      hosted += home == fb::Home::Host;
      bank->popularity.push_back(float(m.topK) / m.experts);
    }
    if (b < experts.resident.size())
      bank->resident = experts.resident[b];
    if (b > 0) {
      bank->successor_count = 2;
      for (uint32_t e = 0; e < m.experts; ++e)
        for (uint32_t i = 0; i < bank->successor_count; ++i)
          bank->successors.push_back((e + i) % m.experts);
    }
    plan.expert_banks.push_back(std::move(bank));
  }
  auto pool = std::make_unique<fb::ExpertPoolT>();
  pool->slots = experts.slots;
  pool->slot_bytes = slot.bytes;
  pool->wave_bytes = experts.waveBytes;
  pool->disk_cost = experts.diskCost;
  uint64_t elements = slot.bytes / kWeightBytes;
  pool->buffer = writer.buffer(writer.arena("slots", MemoryKind::Device),
                               "slots", DType::BF16, experts.slots * elements);
  uint32_t arena = writer.arena("experts", MemoryKind::Host);
  if (hosted > 0)
    pool->host_buffer =
        writer.buffer(arena, "host_experts", DType::BF16, hosted * elements);
  if (hosted < turn)
    pool->bounce_buffer =
        writer.buffer(arena, "bounce", DType::BF16, 2 * elements);
  plan.expert_pools.push_back(std::move(pool));
}

ExpertOutputs runDynamicExperts(const EntryPart &part,
                                const TinyExperts &experts, uint32_t index,
                                const Routed &routed) {
  const TinyModel &m = part.model;
  const std::string &suffix = part.shared.layers[index].suffix;
  EntryWriter &entry = part.entry;
  uint64_t pairs = uint64_t(part.maxRows) * m.topK, H = m.hidden;
  uint64_t table = 2 * m.experts + 1 + pairs;
  auto device = [&](const char *what, DType type, uint64_t elements) {
    return part.buffer(what + suffix, type, elements);
  };
  auto host = [&](const char *what, DType type, uint64_t elements) {
    return part.host(what + suffix, type, elements);
  };
  const DType f32 = DType::F32, i32 = DType::I32;
  uint64_t activation = m.activations == DType::BF16 ? 2 : 4;
  uint32_t ids = host("ids.host", i32, pairs);
  entry.copy(StreamKind::Compute, routed.ids, ids, RowKind::Rows, m.topK * 4);
  uint32_t x = kNone, hostOutputs = kNone;
  if (experts.split) {
    x = host("x.host", m.activations, part.maxRows * H);
    entry.copy(StreamKind::Compute, routed.hidden, x, RowKind::Rows,
               H * activation);
    hostOutputs = host("y.host", f32, pairs * H);
  }
  fb::ExpertRunT run;
  run.bank = index;
  run.parts = experts.parts;
  run.in = routed.hidden;
  run.inner = device("inner", f32, pairs * m.inner);
  run.outputs = device("y", f32, pairs * H);
  run.tables = device("tables", i32, table);
  run.tables_host = host("tables.host", i32, table);
  fb::ExpertJoinT join;
  if (experts.split) {
    join.bank = index;
    join.source = hostOutputs;
    join.staged = device("staged", f32, pairs * H);
    join.shares = device("shares", i32, pairs);
    join.shares_host = host("shares.host", i32, pairs);
  }
  for (uint32_t p = 0; p < experts.parts; ++p) {
    fb::ExpertDemandT demand;
    demand.bank = index;
    demand.part = p;
    demand.parts = experts.parts;
    demand.ids = ids;
    demand.event = entry.record(StreamKind::Compute);
    demand.all = experts.all;
    entry.add(StreamKind::Compute, std::move(demand));
    if (experts.split) {
      fb::ExpertSplitT split;
      split.bank = index;
      split.part = p;
      split.share = experts.share;
      entry.add(StreamKind::Compute, std::move(split));
    }
    fb::ExpertFetchT fetch;
    fetch.bank = index;
    fetch.part = p;
    entry.add(StreamKind::Demand, std::move(fetch));
    if (experts.split) {
      fb::ExpertRunHostT runHost;
      runHost.bank = index;
      runHost.part = p;
      runHost.in = x;
      runHost.outputs = hostOutputs;
      entry.add(StreamKind::Compute, std::move(runHost));
    }
    run.part = join.part = p;
    entry.add(StreamKind::Compute, run);
    if (experts.split)
      entry.add(StreamKind::Compute, join);
    fb::ExpertReleaseT release;
    release.bank = index;
    release.part = p;
    release.forget = experts.forget;
    entry.add(StreamKind::Compute, std::move(release));
  }
  if (experts.prefetch > 0 && index + 1 < m.layers) {
    fb::ExpertPrefetchT prefetch;
    prefetch.bank = index + 1;
    prefetch.from = index;
    prefetch.limit = experts.prefetch;
    entry.add(StreamKind::Prefetch, std::move(prefetch));
  }
  if (experts.split)
    return {run.outputs, join.staged, join.shares};
  return {run.outputs};
}

} // namespace sluice::testing
