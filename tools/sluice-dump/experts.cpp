//===- experts.cpp - Pools and banks for people ---------------------------===//

#include "tools/sluice-dump/experts.h"

#include "runtime/experts/policy.h"
#include "runtime/plan/version.h"
#include "tools/support/units.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <vector>

namespace sluice::tools {

namespace fb = plan::fb;

namespace {

static_assert(experts::kPolicyNames.size() == plan::kPolicyCount);

/// Longer lists of experts end in "...": their count stands before them.
constexpr size_t kLongestList = 48;

/// "0-3,7" for {7, 0, 1, 2, 3}.
std::string rangesOf(const flatbuffers::Vector<uint32_t> &list) {
  std::vector<uint32_t> sorted(list.begin(), list.end());
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (size_t i = 0, next; i < sorted.size(); i = next) {
    for (next = i + 1;
         next < sorted.size() && sorted[next] == sorted[next - 1] + 1;)
      ++next;
    std::string range = std::to_string(sorted[i]);
    if (next > i + 1)
      range += "-" + std::to_string(sorted[next - 1]);
    if (text.size() + range.size() > kLongestList)
      return text + ",...";
    text += (text.empty() ? "" : ",") + range;
  }
  return text;
}

uint32_t hostedIn(const fb::ExpertBank &bank) {
  return std::count(bank.homes()->begin(), bank.homes()->end(),
                    static_cast<uint8_t>(fb::Home::Host));
}

/// All that a line says of a bank but its layer.
std::string bankText(const fb::ExpertBank &bank) {
  std::ostringstream text;
  uint32_t hosted = hostedIn(bank), resident = bank.resident()->size();
  text << bank.experts() << " experts, top " << bank.top_k() << ": " << hosted
       << " host, " << bank.experts() - hosted << " disk; " << resident
       << " resident";
  if (resident > 0)
    text << " (" << rangesOf(*bank.resident()) << ")";
  if (bank.popularity() && bank.popularity()->size() > 0)
    text << "; popularity";
  if (bank.successor_count() > 0)
    text << "; " << bank.successor_count() << " successors";
  return text.str();
}

void printPool(std::ostream &out, const fb::Plan &plan, uint32_t index) {
  const fb::ExpertPool &pool = *plan.expert_pools()->Get(index);
  uint64_t hosted = 0, all = 0;
  for (const fb::ExpertBank *bank : *plan.expert_banks())
    if (bank->pool() == index) {
      hosted += hostedIn(*bank);
      all += bank->experts();
    }
  out << "  pool " << index << ": " << pool.slots() << " slots of "
      << formatBytes(pool.slot_bytes()) << " for " << all << " experts, ";
  if (pool.wave_bytes() > 0)
    out << "waves of " << formatBytes(pool.wave_bytes());
  else
    out << "one wave";
  out << "; host " << hosted << " in "
      << formatBytes(hosted * pool.slot_bytes()) << "; disk " << all - hosted;
  if (pool.bounce_buffer() != plan::kNoBuffer)
    out << " through "
        << plan.buffers()->Get(pool.bounce_buffer())->bytes() /
               pool.slot_bytes()
        << " images";
  if (pool.disk_cost() > 1)
    out << ", each miss there as " << std::fixed << std::setprecision(1)
        << pool.disk_cost();
  out << '\n';
}

} // namespace

void printExperts(std::ostream &out, const plan::Plan &file) {
  const fb::Plan &plan = file.get();
  if (!plan.expert_banks() || plan.expert_banks()->size() == 0)
    return;
  out << "\nexperts";
  if (plan.expert_mode() && plan.expert_mode()->size() > 0)
    out << ' ' << plan.expert_mode()->str();
  out << ", policy " << experts::kPolicyNames[plan.policy()];
  if (plan.predicted_step_ms() > 0)
    out << ", predicted " << std::fixed << std::setprecision(3)
        << plan.predicted_step_ms() << " ms a decode step";
  out << '\n';
  for (uint32_t i = 0; i < plan.expert_pools()->size(); ++i)
    printPool(out, plan, i);
  const auto &banks = *plan.expert_banks();
  for (uint32_t i = 0, next; i < banks.size(); i = next) {
    const std::string text = bankText(*banks[i]);
    for (next = i + 1; next < banks.size() &&
                       banks[next]->pool() == banks[i]->pool() &&
                       banks[next]->layer() == banks[next - 1]->layer() + 1 &&
                       bankText(*banks[next]) == text;)
      ++next;
    out << (next > i + 1 ? "  layers " : "  layer ") << banks[i]->layer();
    if (next > i + 1)
      out << '-' << banks[next - 1]->layer();
    out << ", pool " << banks[i]->pool() << ": " << text << '\n';
  }
}

} // namespace sluice::tools
