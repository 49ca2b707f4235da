//===- expert_order.cpp - In which order a layer's experts are used -------===//

#include "runtime/plan/verify/expert_order.h"

namespace sluice::plan {
namespace {

const char *nameOf(ExpertOrder::Stage stage) {
  constexpr const char *names[] = {"demand", "split", "fetch",  "run_host",
                                   "run",    "join",  "release"};
  return names[static_cast<size_t>(stage)];
}

} // namespace

std::string ExpertOrder::describe(uint32_t bank, uint32_t part) const {
  return "part " + std::to_string(part) + " of bank " + std::to_string(bank);
}

std::optional<std::string> ExpertOrder::demand(uint32_t bank, uint32_t part,
                                               uint32_t parts) {
  if (open)
    return "demands " + describe(bank, part) + " while " +
           describe(*open, openPart) + " is open, expected its release before";
  Bank &state = banks[bank];
  if (parts == 0)
    return std::string("found 0 parts, expected at least 1");
  if (state.parts > 0 && state.parts != parts)
    return "found " + std::to_string(parts) + " parts of bank " +
           std::to_string(bank) + ", expected the " +
           std::to_string(state.parts) + " of its first demand";
  if (state.released == parts)
    return "demands bank " + std::to_string(bank) +
           " again, expected each part once an entry";
  if (part != state.released)
    return "found " + describe(bank, part) + ", expected part " +
           std::to_string(state.released) + " of " + std::to_string(parts);
  state.parts = parts;
  open = bank;
  openPart = part;
  stage = Stage::Demand;
  split = false;
  return std::nullopt;
}

std::optional<std::string> ExpertOrder::advance(uint32_t bank, uint32_t part,
                                                Stage next) {
  if (!open)
    return "found " + describe(bank, part) +
           ", which is not demanded, expected a demand before";
  if (bank != *open || part != openPart)
    return "found " + describe(bank, part) + ", expected " +
           describe(*open, openPart) + ", which is open";
  Stage wanted = Stage::Release;
  switch (stage) {
  case Stage::Demand:
    wanted = next == Stage::Split ? Stage::Split : Stage::Fetch;
    break;
  case Stage::Split:
    wanted = Stage::Fetch;
    break;
  case Stage::Fetch:
    wanted = split ? Stage::RunHost : Stage::Run;
    break;
  case Stage::RunHost:
    wanted = Stage::Run;
    break;
  case Stage::Run:
    wanted = split ? Stage::Join : Stage::Release;
    break;
  case Stage::Join:
  case Stage::Release:
    break;
  }
  if (next != wanted)
    return std::string("found it after the ") + nameOf(stage) + " of " +
           describe(bank, part) + (split ? ", which is split" : "") +
           ", expected its " + nameOf(wanted);
  stage = next;
  split |= next == Stage::Split;
  if (next == Stage::Release) {
    ++banks[bank].released;
    open.reset();
  }
  return std::nullopt;
}

std::optional<std::string> ExpertOrder::finish() const {
  if (open)
    return "ends after the " + std::string(nameOf(stage)) + " of " +
           describe(*open, openPart) + ", expected its release";
  for (size_t bank = 0; bank < banks.size(); ++bank)
    if (banks[bank].released < banks[bank].parts)
      return "runs " + std::to_string(banks[bank].released) +
             " parts of bank " + std::to_string(bank) + ", expected all " +
             std::to_string(banks[bank].parts);
  return std::nullopt;
}

} // namespace sluice::plan
