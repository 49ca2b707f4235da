//===- plan.cpp - Opens a plan and has it verified ------------------------===//

#include "runtime/plan/plan.h"

#include "runtime/io/file.h"
#include "runtime/plan/verify/context.h"

namespace sluice::plan {
namespace {

/// Far beyond any plan: weights are never in it.
constexpr uint64_t kLargestPlan = uint64_t{256} << 20;

Status verifyStructure(const std::vector<uint8_t> &bytes,
                       const std::string &name) {
  constexpr size_t kSmallest = 16;
  if (bytes.size() < kSmallest || bytes.size() > kLargestPlan)
    return Status(ErrorCode::Corrupt,
                  name + ": " +
                      expected(bytes.size(), "16 bytes to 256 MiB of a plan"));
  if (!fb::PlanBufferHasIdentifier(bytes.data()))
    return Status(ErrorCode::Corrupt,
                  name + ": not a Sluice plan, expected the identifier '" +
                      fb::PlanIdentifier() + "' at byte 4");
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!fb::VerifyPlanBuffer(verifier))
    return Status(ErrorCode::Corrupt,
                  name + ": the file is damaged, expected a well-formed "
                         "FlatBuffer of a plan");
  return Status::ok();
}

Status verifyMeaning(const fb::Plan &plan, const std::string &name) {
  if (plan.version() != kVersion)
    return Status(
        ErrorCode::Unsupported,
        name + ": plan version " +
            expected(plan.version(), std::to_string(kVersion)) +
            "; compile the model again with this build's sluice-compile");
  Context context(plan, name);
  SLUICE_RETURN_IF_ERROR(verifyModel(context));
  SLUICE_RETURN_IF_ERROR(verifyFiles(context));
  SLUICE_RETURN_IF_ERROR(verifyMemory(context));
  SLUICE_RETURN_IF_ERROR(verifyPools(context));
  SLUICE_RETURN_IF_ERROR(verifyData(context));
  SLUICE_RETURN_IF_ERROR(verifyBanks(context));
  return verifyEntries(context);
}

} // namespace

Plan::Plan(std::vector<uint8_t> bytes, std::string name)
    : storage(std::move(bytes)), fileName(std::move(name)),
      root(fb::GetPlan(storage.data())) {}

Result<std::shared_ptr<const Plan>> Plan::fromBytes(std::vector<uint8_t> bytes,
                                                    std::string name) {
  SLUICE_RETURN_IF_ERROR(verifyStructure(bytes, name));
  std::shared_ptr<const Plan> plan(new Plan(std::move(bytes), std::move(name)));
  SLUICE_RETURN_IF_ERROR(verifyMeaning(plan->get(), plan->fileName));
  return plan;
}

Result<std::shared_ptr<const Plan>> Plan::open(const std::string &path) {
  SLUICE_ASSIGN_OR_RETURN(File file, File::open(path));
  if (file.size() > kLargestPlan)
    return Status(ErrorCode::Corrupt,
                  path + ": " +
                      expected(file.size(), "at most 256 MiB of a plan"));
  std::vector<uint8_t> bytes(file.size());
  SLUICE_RETURN_IF_ERROR(
      file.read(0, std::as_writable_bytes(std::span(bytes))));
  return fromBytes(std::move(bytes), path);
}

} // namespace sluice::plan
