//===- theory.cpp - What n batches in a step should bring -----------------===//

#include "tools/sluice-bench/theory.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace sluice::tools {
namespace {

Status checkTime(const char *flag, double found) {
  if (found > 0 && std::isfinite(found)) // NaN fails
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                std::string(flag) + " is " + std::to_string(found) +
                    ", expected a number of milliseconds above 0");
}

double layerTime(const MultiBatchModel &model, uint32_t batches) {
  return std::max(batches * model.attentionMs,
                  expectedUniqueExperts(model.experts, model.topK, batches) *
                      model.expertIoMs);
}

} // namespace

Status MultiBatchModel::validate() const {
  if (experts < 1)
    return Status(ErrorCode::InvalidArgument,
                  "--num-experts is 0, expected 1 or more");
  if (topK < 1 || topK > experts)
    return Status(ErrorCode::InvalidArgument,
                  "--top-k is " + std::to_string(topK) + ", expected 1 to " +
                      std::to_string(experts) + ", the number of experts");
  if (layers < 1)
    return Status(ErrorCode::InvalidArgument,
                  "--layers is 0, expected 1 or more");
  SLUICE_RETURN_IF_ERROR(checkTime("--io-ms", expertIoMs));
  return checkTime("--attention-ms", attentionMs);
}

double expectedUniqueExperts(uint32_t experts, uint32_t topK,
                             uint32_t batches) {
  // 1 - (1 - k/E)^n without the cancellation that a small k/E brings. k = E
  // gives log1p(-1), minus infinity, and all E experts.
  const double share = static_cast<double>(topK) / experts;
  return experts * -std::expm1(batches * std::log1p(-share));
}

MultiBatchRow multiBatch(const MultiBatchModel &model, uint32_t batches) {
  MultiBatchRow row;
  row.batches = batches;
  row.uniqueExperts = expectedUniqueExperts(model.experts, model.topK, batches);
  row.ioMs = row.uniqueExperts * model.expertIoMs;
  row.attentionMs = batches * model.attentionMs;
  row.layerMs = layerTime(model, batches);
  row.tokensPerSecond = batches * 1e3 / (model.layers * row.layerMs);
  row.speedup = batches * layerTime(model, 1) / row.layerMs;
  return row;
}

} // namespace sluice::tools
