//===- model.cpp - Model facts that make sense together -------------------===//

#include "runtime/plan/verify/context.h"

namespace sluice::plan {
namespace {

struct Fact {
  const char *name;
  uint64_t value;
  uint64_t least;
  uint64_t most;
};

} // namespace

Status verifyModel(Context &context) {
  const fb::Model &model = *context.plan.model();
  constexpr uint64_t kMost = 0x7fffffff; // Ids, positions and pages are i32.
  constexpr uint64_t kMostLayers = 1 << 16;
  const Fact facts[] = {
      {"layers", model.layers(), 1, kMostLayers},
      {"hidden", model.hidden(), 1, kMost},
      {"vocab", model.vocab(), 1, kMost},
      {"experts", model.experts(), 0, kMost},
      {"top_k", model.top_k(), 0, model.experts()},
      {"max_sequences", model.max_sequences(), 1, kMost},
      {"max_positions", model.max_positions(), 1, kMost},
      {"page_tokens", model.page_tokens(), 1, kMost},
      {"pages", model.pages(), 1, kMost},
      {"pages_per_sequence", model.pages_per_sequence(), 1, model.pages()},
  };
  for (const Fact &fact : facts)
    if (fact.value < fact.least || fact.value > fact.most)
      return context.fail(std::string("model ") + fact.name,
                          expected(fact.value, std::to_string(fact.least) +
                                                   " to " +
                                                   std::to_string(fact.most)));
  if (model.experts() > 0 && model.top_k() == 0)
    return context.fail(
        "model top_k", "found 0, expected at least 1 for a model with experts");
  uint64_t reach = uint64_t(model.pages_per_sequence()) * model.page_tokens();
  if (reach < model.max_positions())
    return context.fail("model max_positions",
                        expected(model.max_positions(),
                                 "at most the " + std::to_string(reach) +
                                     " that pages_per_sequence pages hold"));
  if (model.stop_tokens())
    for (uint32_t token : *model.stop_tokens())
      if (token >= model.vocab())
        return context.fail("model stop_tokens",
                            expected(token, "below the vocabulary of " +
                                                std::to_string(model.vocab())));
  return Status::ok();
}

} // namespace sluice::plan
