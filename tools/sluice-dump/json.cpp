//===- json.cpp - A plan as JSON ------------------------------------------===//

#include "tools/sluice-dump/dump.h"

#include "tools/sluice-dump/plan_schema.h"

#include <flatbuffers/idl.h>

namespace sluice::tools {

Status printJson(std::ostream &out, const plan::Plan &plan) {
  flatbuffers::IDLOptions options;
  options.strict_json = true;
  options.output_default_scalars_in_json = true;
  flatbuffers::Parser parser(options);
  if (!parser.Parse(kPlanSchema))
    return Status(ErrorCode::Internal, "plan.fbs: " + parser.error_);
  std::string text;
  if (!flatbuffers::GenerateText(parser, plan.data(), &text))
    return Status(ErrorCode::Internal,
                  plan.name() + ": the plan could not be written as JSON");
  out << text;
  return Status::ok();
}

} // namespace sluice::tools
