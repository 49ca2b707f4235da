//===- plan_fuzz.cpp - Any bytes as a plan --------------------------------===//

#include "runtime/plan/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto plan = sluice::plan::Plan::fromBytes({data, data + size}, "fuzz.plan");
  // Refused or not, an answer is one line.
  if (!plan && plan.status().message().find('\n') != std::string_view::npos)
    __builtin_trap();
  return 0;
}
