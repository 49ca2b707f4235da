//===- policy.cpp - Policies by name --------------------------------------===//

#include "runtime/experts/policy.h"

#include "runtime/core/json.h"
#include "runtime/experts/policies/policies.h"

#include <string>

namespace sluice::experts {

Result<std::unique_ptr<Policy>> makePolicy(std::string_view name,
                                           const PolicyShape &shape) {
  using Make = std::unique_ptr<Policy> (*)(const PolicyShape &);
  constexpr Make kMake[] = {makeLru, makeLfu, makeLfru, makeNextUse};
  static_assert(std::size(kMake) == kPolicyNames.size());
  std::string known;
  for (size_t i = 0; i < kPolicyNames.size(); ++i) {
    if (name == kPolicyNames[i])
      return kMake[i](shape);
    known += (i == 0 ? "" : ", ") + std::string(kPolicyNames[i]);
  }
  return Status(ErrorCode::InvalidArgument, "expert policy: found " +
                                                inQuotes(name) +
                                                ", expected one of " + known);
}

} // namespace sluice::experts
