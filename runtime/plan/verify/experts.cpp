//===- experts.cpp - Pools of slots and the experts behind them -----------===//

#include "kernels/signatures.h"
#include "runtime/plan/verify/context.h"

#include <algorithm>
#include <cmath>

namespace sluice::plan {
namespace {

std::string poolName(uint32_t pool) {
  return "expert pool " + std::to_string(pool);
}

uint64_t elementBytes(const Context &context, uint32_t buffer) {
  return byteSize(static_cast<DType>(context.buffer(buffer).dtype()));
}

/// Takes `buffer` away from everything but the pool.
Status manage(Context &context, uint32_t pool, const char *what,
              uint32_t buffer, fb::MemoryKind kind) {
  std::string where = poolName(pool);
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, what, buffer));
  if (context.kind(buffer) != kind)
    return context.fail(where, std::string(what) + " (" +
                                   context.describe(buffer) + ") is in " +
                                   (kind == fb::MemoryKind::Device
                                        ? "host memory, expected device memory"
                                        : "device memory, expected host "
                                          "memory"));
  fb::DType type = context.buffer(buffer).dtype();
  uint32_t slots = context.plan.expert_pools()->Get(pool)->buffer();
  if (type == fb::DType::I32 || type != context.buffer(slots).dtype())
    return context.fail(where, std::string(what) + " (" +
                                   context.describe(buffer) + ") is " +
                                   fb::EnumNameDType(type) +
                                   ", expected BF16, F16 or F32, the same for "
                                   "all buffers of the pool");
  context.managed[buffer] = pool;
  return Status::ok();
}

/// `count` slot images fit `buffer`.
Status holds(const Context &context, const std::string &where, const char *what,
             uint32_t buffer, uint64_t count, uint64_t slotBytes) {
  uint64_t bytes = 0;
  if (multiply(count, slotBytes, bytes) &&
      bytes <= context.buffer(buffer).bytes())
    return Status::ok();
  return context.fail(
      where, std::string(what) + " (" + context.describe(buffer) + ") has " +
                 std::to_string(context.buffer(buffer).bytes()) +
                 " bytes, expected at least " + std::to_string(count) +
                 " slots of " + std::to_string(slotBytes));
}

Status verifyPool(Context &context, uint32_t index) {
  const fb::ExpertPool &pool = *context.plan.expert_pools()->Get(index);
  std::string where = poolName(index);
  if (pool.slots() < kMinimumSlots)
    return context.fail(
        where,
        "slots " + expected(pool.slots(),
                            "at least " + std::to_string(kMinimumSlots)));
  SLUICE_RETURN_IF_ERROR(
      manage(context, index, "buffer", pool.buffer(), fb::MemoryKind::Device));
  uint64_t element = elementBytes(context, pool.buffer());
  if (pool.slot_bytes() == 0 || pool.slot_bytes() % element != 0)
    return context.fail(
        where, "slot_bytes " +
                   expected(pool.slot_bytes(), "a multiple of the element's " +
                                                   std::to_string(element)));
  SLUICE_RETURN_IF_ERROR(holds(context, where, "buffer", pool.buffer(),
                               pool.slots(), pool.slot_bytes()));
  if (!std::isfinite(pool.disk_cost()) || pool.disk_cost() < 1)
    return context.fail(where, "disk_cost: found " +
                                   std::to_string(pool.disk_cost()) +
                                   ", expected finite and at least 1");
  if (pool.host_buffer() != kNoBuffer)
    SLUICE_RETURN_IF_ERROR(manage(context, index, "host_buffer",
                                  pool.host_buffer(), fb::MemoryKind::Host));
  if (pool.bounce_buffer() == kNoBuffer)
    return Status::ok();
  return manage(context, index, "bounce_buffer", pool.bounce_buffer(),
                fb::MemoryKind::Host);
}

/// What the banks of a pool ask of it together.
struct Demanded {
  uint64_t hosted = 0;
  uint64_t onDisk = 0;
  uint64_t residents = 0;
};

class BankVerifier {
public:
  BankVerifier(const Context &context, uint32_t index)
      : context(context), index(index),
        bank(*context.plan.expert_banks()->Get(index)),
        where("expert bank " + std::to_string(index)) {}

  Status run(std::vector<bool> &sourceTaken, std::vector<Demanded> &pools);

private:
  Status fail(const std::string &problem) const {
    return context.fail(where, problem);
  }
  Status verifyFacts() const;
  Status verifyLayout() const;
  Status verifySource() const;
  Status verifyHomes(Demanded &pool) const;
  Status verifyResident(Demanded &pool) const;
  Status verifyPopularity() const;
  Status verifySuccessors() const;

  const fb::ExpertPool &pool() const {
    return *context.plan.expert_pools()->Get(bank.pool());
  }

  const Context &context;
  const uint32_t index;
  const fb::ExpertBank &bank;
  const std::string where;
};

Status BankVerifier::verifyFacts() const {
  const fb::Model &model = *context.plan.model();
  struct Fact {
    const char *name;
    uint64_t value, wanted;
  };
  const Fact facts[] = {{"experts", bank.experts(), model.experts()},
                        {"top_k", bank.top_k(), model.top_k()},
                        {"hidden", bank.hidden(), model.hidden()}};
  for (const Fact &fact : facts)
    if (fact.value != fact.wanted)
      return fail(
          std::string(fact.name) + " " +
          expected(fact.value, "the model's " + std::to_string(fact.wanted)));
  // What follows from it, squares among them, fits the memory of any machine.
  constexpr uint64_t kMostExperts = 4096;
  if (bank.experts() > kMostExperts)
    return fail(
        "experts " +
        expected(bank.experts(), "at most " + std::to_string(kMostExperts)));
  for (const fb::Entry *entry : *context.plan.entries())
    if (uint64_t{entry->max_rows()} * bank.top_k() > INT32_MAX)
      return fail("top_k " + expected(bank.top_k(),
                                      "rows of an entry times it below 2^31"));
  if (bank.layer() >= model.layers())
    return fail("layer " +
                expected(bank.layer(), "below the model's " +
                                           std::to_string(model.layers())));
  if (index == 0)
    return Status::ok();
  uint32_t before = context.plan.expert_banks()->Get(index - 1)->layer();
  if (bank.layer() <= before)
    return fail("layer " +
                expected(bank.layer(), "above the " + std::to_string(before) +
                                           " of the bank before"));
  return Status::ok();
}

/// By the rules of the kernels that will read the slots.
Status BankVerifier::verifyLayout() const {
  uint64_t element = elementBytes(context, pool().buffer());
  constexpr uint64_t kMost = uint64_t{1} << 31; // The kernels' largest dim.
  for (uint64_t offset :
       {bank.gate_offset(), bank.up_offset(), bank.down_offset()})
    if (offset > kMost)
      return fail("an offset in the slot is " +
                  expected(offset, "at most 2^31 elements"));
  const int64_t slotElements = pool().slot_bytes() / element;
  const int64_t gateUp[] = {bank.experts(),
                            bank.top_k(),
                            bank.hidden(),
                            bank.inner(),
                            pool().slots(),
                            slotElements,
                            int64_t(bank.gate_offset()),
                            int64_t(bank.up_offset())};
  const int64_t down[] = {bank.experts(),
                          bank.top_k(),
                          bank.hidden(),
                          bank.inner(),
                          pool().slots(),
                          slotElements,
                          int64_t(bank.down_offset())};
  const char *rule = checkDims(Kernel::ExpertGateUp, gateUp);
  if (!rule)
    rule = checkDims(Kernel::ExpertDown, down);
  if (rule)
    return fail("inner " + std::to_string(bank.inner()) +
                " and offsets in a slot of " + std::to_string(slotElements) +
                " elements break a rule, expected " + rule);
  uint64_t matrix = uint64_t(bank.hidden()) * bank.inner();
  uint64_t starts[] = {bank.gate_offset(), bank.up_offset(),
                       bank.down_offset()};
  std::sort(std::begin(starts), std::end(starts));
  for (int i : {0, 1})
    if (starts[i + 1] - starts[i] < matrix)
      return fail("two matrices overlap at element " +
                  std::to_string(starts[i + 1]) +
                  " of the slot, expected none to");
  return Status::ok();
}

/// Every byte of gate, up and down of every expert comes from a file, and
/// nothing goes to another expert's slot.
Status BankVerifier::verifySource() const {
  const fb::Source &source = *context.plan.sources()->Get(bank.source());
  std::string tensor = "'" + printable(*source.tensor()) + "'";
  uint64_t slot = pool().slot_bytes(), all = 0;
  if (!multiply(slot, bank.experts(), all))
    return fail("its experts' bytes overflow");
  struct Covered {
    uint64_t begin, end;
  };
  std::vector<Covered> covered;
  for (const fb::Range *range : *source.ranges()) {
    uint64_t begin = range->target_offset(), end = begin + range->bytes();
    if (begin >= all || end > (begin / slot + 1) * slot)
      return fail(tensor + " brings " + std::to_string(range->bytes()) +
                  " bytes to " + std::to_string(begin) +
                  ", expected inside one of " + std::to_string(bank.experts()) +
                  " slots of " + std::to_string(slot));
    covered.push_back({begin, end});
  }
  std::sort(covered.begin(), covered.end(),
            [](auto &a, auto &b) { return a.begin < b.begin; });
  // Ranges that touch become one: verifyData has seen that none overlap.
  size_t last = 0;
  for (size_t i = 1; i < covered.size(); ++i)
    if (covered[i].begin == covered[last].end)
      covered[last].end = covered[i].end;
    else
      covered[++last] = covered[i];
  covered.resize(covered.empty() ? 0 : last + 1);
  uint64_t element = elementBytes(context, pool().buffer());
  uint64_t matrix = uint64_t(bank.hidden()) * bank.inner() * element;
  struct Part {
    const char *name;
    uint64_t offset;
  };
  const Part parts[] = {{"gate", bank.gate_offset()},
                        {"up", bank.up_offset()},
                        {"down", bank.down_offset()}};
  for (uint32_t expert = 0; expert < bank.experts(); ++expert)
    for (const Part &part : parts) {
      uint64_t begin = expert * slot + part.offset * element;
      auto next = std::upper_bound(
          covered.begin(), covered.end(), begin,
          [](uint64_t at, const Covered &c) { return at < c.begin; });
      if (next == covered.begin() || (next - 1)->end < begin + matrix)
        return fail(tensor + " does not bring all " + std::to_string(matrix) +
                    " bytes of the " + part.name + " of expert " +
                    std::to_string(expert) + ", expected ranges that do");
    }
  return Status::ok();
}

Status BankVerifier::verifyHomes(Demanded &pool) const {
  if (bank.homes()->size() != bank.experts())
    return fail(std::to_string(bank.homes()->size()) +
                " homes, expected one for each of " +
                std::to_string(bank.experts()) + " experts");
  for (uint32_t expert = 0; expert < bank.experts(); ++expert) {
    uint8_t home = bank.homes()->Get(expert);
    if (home > uint8_t(fb::Home::MAX))
      return fail("home of expert " + std::to_string(expert) + " " +
                  expected(home, "0 (host) or 1 (disk)"));
    ++(home == uint8_t(fb::Home::Host) ? pool.hosted : pool.onDisk);
  }
  return Status::ok();
}

Status BankVerifier::verifyResident(Demanded &pool) const {
  std::vector<bool> seen(bank.experts());
  for (uint32_t expert : *bank.resident()) {
    if (expert >= bank.experts())
      return fail("resident expert " +
                  expected(expert, "below " + std::to_string(bank.experts())));
    if (seen[expert])
      return fail("expert " + std::to_string(expert) +
                  " is resident twice, expected once");
    seen[expert] = true;
    ++pool.residents;
  }
  return Status::ok();
}

Status BankVerifier::verifyPopularity() const {
  if (!bank.popularity() || bank.popularity()->size() == 0)
    return Status::ok();
  if (bank.popularity()->size() != bank.experts())
    return fail(std::to_string(bank.popularity()->size()) +
                " popularities, expected none or one for each of " +
                std::to_string(bank.experts()) + " experts");
  for (uint32_t expert = 0; expert < bank.experts(); ++expert)
    if (float uses = bank.popularity()->Get(expert);
        !std::isfinite(uses) || uses < 0)
      return fail("popularity of expert " + std::to_string(expert) + " is " +
                  std::to_string(uses) + ", expected finite and at least 0");
  return Status::ok();
}

Status BankVerifier::verifySuccessors() const {
  uint64_t found = bank.successors() ? bank.successors()->size() : 0;
  uint64_t before =
      index > 0 ? context.plan.expert_banks()->Get(index - 1)->experts() : 0;
  uint64_t wanted = before * bank.successor_count();
  if (bank.successor_count() > bank.experts())
    return fail("successor_count " +
                expected(bank.successor_count(),
                         "at most the bank's " +
                             std::to_string(bank.experts()) + " experts"));
  if (found != wanted || (index == 0 && bank.successor_count() > 0))
    return fail(std::to_string(found) + " successors, expected " +
                std::to_string(bank.successor_count()) + " for each of the " +
                std::to_string(before) + " experts of the bank before");
  for (uint64_t i = 0; i < found; ++i)
    if (uint16_t expert = bank.successors()->Get(i); expert >= bank.experts())
      return fail("successor " +
                  expected(expert, "below " + std::to_string(bank.experts())));
  return Status::ok();
}

Status BankVerifier::run(std::vector<bool> &sourceTaken,
                         std::vector<Demanded> &pools) {
  if (bank.pool() >= pools.size())
    return fail("pool " +
                expected(bank.pool(), "below " + std::to_string(pools.size())));
  if (bank.source() >= sourceTaken.size())
    return fail(
        "source " +
        expected(bank.source(), "below " + std::to_string(sourceTaken.size())));
  if (sourceTaken[bank.source()])
    return fail("source " + std::to_string(bank.source()) +
                " serves another bank too, expected one bank a source");
  sourceTaken[bank.source()] = true;
  Demanded &demanded = pools[bank.pool()];
  SLUICE_RETURN_IF_ERROR(verifyFacts());
  SLUICE_RETURN_IF_ERROR(verifyLayout());
  SLUICE_RETURN_IF_ERROR(verifyHomes(demanded));
  SLUICE_RETURN_IF_ERROR(verifySource());
  SLUICE_RETURN_IF_ERROR(verifyResident(demanded));
  SLUICE_RETURN_IF_ERROR(verifyPopularity());
  return verifySuccessors();
}

Status verifyDemanded(const Context &context, uint32_t index,
                      const Demanded &demanded) {
  const fb::ExpertPool &pool = *context.plan.expert_pools()->Get(index);
  std::string where = poolName(index);
  if (demanded.residents > pool.slots())
    return context.fail(
        where,
        "its banks' residents " +
            expected(demanded.residents,
                     "at most its " + std::to_string(pool.slots()) + " slots"));
  auto needed = [&](const char *what, uint32_t buffer, uint64_t images,
                    const std::string &why) {
    if (buffer == kNoBuffer)
      return context.fail(where, std::string("no ") + what + ", expected one " +
                                     "for " + why);
    return holds(context, where, what, buffer, images, pool.slot_bytes());
  };
  if (demanded.hosted > 0)
    SLUICE_RETURN_IF_ERROR(needed(
        "host_buffer", pool.host_buffer(), demanded.hosted,
        std::to_string(demanded.hosted) + " experts whose home is the host"));
  constexpr uint64_t kLeastRing = 2;
  if (demanded.onDisk > 0)
    SLUICE_RETURN_IF_ERROR(needed(
        "bounce_buffer", pool.bounce_buffer(), kLeastRing,
        std::to_string(demanded.onDisk) + " experts whose home is the disk"));
  return Status::ok();
}

} // namespace

Status verifyPools(Context &context) {
  const fb::Plan &plan = context.plan;
  if (plan.policy() >= kPolicyCount)
    return context.fail(
        "policy",
        expected(plan.policy(), "below " + std::to_string(kPolicyCount)));
  if (!std::isfinite(plan.predicted_step_ms()) || plan.predicted_step_ms() < 0)
    return context.fail("predicted_step_ms",
                        "found " + std::to_string(plan.predicted_step_ms()) +
                            ", expected finite and at least 0");
  uint32_t count = plan.expert_pools() ? plan.expert_pools()->size() : 0;
  for (uint32_t i = 0; i < count; ++i)
    SLUICE_RETURN_IF_ERROR(verifyPool(context, i));
  return Status::ok();
}

Status verifyBanks(Context &context) {
  const fb::Plan &plan = context.plan;
  std::vector<bool> sourceTaken(plan.sources()->size());
  std::vector<Demanded> pools(plan.expert_pools() ? plan.expert_pools()->size()
                                                  : 0);
  for (uint32_t i = 0; i < context.bankCount(); ++i)
    SLUICE_RETURN_IF_ERROR(BankVerifier(context, i).run(sourceTaken, pools));
  for (uint32_t i = 0; i < pools.size(); ++i)
    SLUICE_RETURN_IF_ERROR(verifyDemanded(context, i, pools[i]));
  return Status::ok();
}

} // namespace sluice::plan
