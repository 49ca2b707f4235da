//===- rope_config.cpp - Rotary parameters from config.json ---------------===//
#include "compiler/frontend/rope_config.h"

#include "runtime/core/json_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace sluice::frontend {
namespace {

constexpr const char *kKnownKeys[] = {
    "rope_type",        "type",
    "rope_theta",       "partial_rotary_factor",
    "factor",           "original_max_position_embeddings",
    "beta_fast",        "beta_slow",
    "mscale",           "mscale_all_dim",
    "attention_factor", "truncate"};

/// The object that holds the scaling; without one, an empty object.
Result<JsonObject> scalingOf(const JsonObject &config) {
  static const nlohmann::json kNothing = nlohmann::json::object();
  const nlohmann::json *scaling = config.find("rope_scaling");
  const nlohmann::json *parameters = config.find("rope_parameters");
  if (scaling && parameters && *scaling != *parameters)
    return Status(ErrorCode::Corrupt,
                  config.where("rope_scaling") +
                      ": differs from rope_parameters, expected one of them "
                      "or the same in both");
  if (parameters)
    return config.object("rope_parameters");
  if (scaling)
    return config.object("rope_scaling");
  return JsonObject::of(kNothing, config.fileName());
}

/// A member between two bounds, both allowed.
Result<double> numberWithin(const JsonObject &object, std::string_view key,
                            double fallback, double least, double most,
                            const char *expected) {
  SLUICE_ASSIGN_OR_RETURN(const double value, object.numberOr(key, fallback));
  // Written so that NaN fails.
  if (!(value >= least && value <= most))
    return object.mismatch(key, expected);
  return value;
}

Result<std::optional<double>> optionalNumber(const JsonObject &object,
                                             std::string_view key) {
  if (!object.has(key))
    return std::optional<double>();
  SLUICE_ASSIGN_OR_RETURN(
      const double value,
      numberWithin(object, key, 0, 0, 1e6, "a number from 0 to 1e6"));
  return std::optional<double>(value);
}

Result<double> thetaOf(const JsonObject &config, const JsonObject &scaling) {
  constexpr const char *kExpected = "a number above 1 and up to 1e15";
  const double least = std::nextafter(1.0, 2.0);
  SLUICE_ASSIGN_OR_RETURN(
      const double top,
      numberWithin(config, "rope_theta", 10000.0, least, 1e15, kExpected));
  SLUICE_ASSIGN_OR_RETURN(
      const double inner,
      numberWithin(scaling, "rope_theta", top, least, 1e15, kExpected));
  if (config.has("rope_theta") && inner != top)
    return scaling.mismatch("rope_theta",
                            "the rope_theta of the top level, " +
                                describeJson(*config.find("rope_theta")));
  return inner;
}

Result<RopeType> typeOf(const JsonObject &scaling) {
  const char *key = scaling.has("rope_type") ? "rope_type" : "type";
  SLUICE_ASSIGN_OR_RETURN(const std::string type,
                          scaling.stringOr(key, "default"));
  SLUICE_ASSIGN_OR_RETURN(const std::string other,
                          scaling.stringOr("type", type));
  if (other != type)
    return scaling.mismatch("type", "the same as rope_type, " + inQuotes(type));
  if (type == "default")
    return RopeType::Default;
  if (type == "linear")
    return RopeType::Linear;
  if (type == "yarn")
    return RopeType::Yarn;
  return scaling.mismatch(key, "'default', 'linear' or 'yarn'",
                          ErrorCode::Unsupported);
}

Status refuseUnknown(const JsonObject &config, const JsonObject &scaling) {
  for (const auto &[key, value] :
       *scaling.value().get_ptr<const nlohmann::json::object_t *>())
    if (std::find(std::begin(kKnownKeys), std::end(kKnownKeys), key) ==
        std::end(kKnownKeys))
      return Status(ErrorCode::Unsupported,
                    scaling.where(printable(key, 60)) +
                        ": found a key that Sluice does not know, expected "
                        "default, linear or yarn parameters");
  for (const JsonObject *object : {&config, &scaling}) {
    SLUICE_ASSIGN_OR_RETURN(const double share,
                            object->numberOr("partial_rotary_factor", 1.0));
    if (share != 1.0)
      return object->mismatch("partial_rotary_factor", "1",
                              ErrorCode::Unsupported);
  }
  return Status::ok();
}

Status parseYarn(const JsonObject &config, const JsonObject &scaling,
                 int64_t maxPositions, RopeConfig &rope) {
  constexpr int64_t kMost = int64_t(1) << 24;
  constexpr const char *kOriginal = "original_max_position_embeddings";
  SLUICE_ASSIGN_OR_RETURN(const int64_t inner,
                          scaling.integerOr(kOriginal, maxPositions, 1, kMost));
  // As transformers has it, the top level wins.
  SLUICE_ASSIGN_OR_RETURN(rope.originalMaxPositions,
                          config.integerOr(kOriginal, inner, 1, kMost));
  if (!scaling.has("factor"))
    rope.factor = static_cast<double>(maxPositions) /
                  static_cast<double>(rope.originalMaxPositions);
  if (rope.factor < 1)
    return scaling.mismatch("factor", "a number of at least 1");
  constexpr const char *kBeta = "a number from 0 to 1e6";
  SLUICE_ASSIGN_OR_RETURN(
      rope.betaFast, numberWithin(scaling, "beta_fast", 32, 0, 1e6, kBeta));
  SLUICE_ASSIGN_OR_RETURN(rope.betaSlow,
                          numberWithin(scaling, "beta_slow", 1, 0, 1e6, kBeta));
  // Zero means the default, as in Python's `x or 32`.
  if (rope.betaFast == 0)
    rope.betaFast = 32;
  if (rope.betaSlow == 0)
    rope.betaSlow = 1;
  if (rope.betaFast < rope.betaSlow)
    return Status(ErrorCode::Corrupt, scaling.where("beta_fast") + ": found " +
                                          nlohmann::json(rope.betaFast).dump() +
                                          ", expected at least beta_slow, " +
                                          nlohmann::json(rope.betaSlow).dump());
  SLUICE_ASSIGN_OR_RETURN(rope.attentionFactor,
                          optionalNumber(scaling, "attention_factor"));
  SLUICE_ASSIGN_OR_RETURN(rope.mscale, optionalNumber(scaling, "mscale"));
  SLUICE_ASSIGN_OR_RETURN(rope.mscaleAllDim,
                          optionalNumber(scaling, "mscale_all_dim"));
  SLUICE_ASSIGN_OR_RETURN(rope.truncate, scaling.booleanOr("truncate", true));
  return Status::ok();
}

} // namespace

Result<RopeConfig> parseRope(const JsonObject &config, int64_t maxPositions) {
  SLUICE_ASSIGN_OR_RETURN(const JsonObject scaling, scalingOf(config));
  RopeConfig rope;
  // The kind first: it explains the other keys best when it is unknown.
  SLUICE_ASSIGN_OR_RETURN(rope.type, typeOf(scaling));
  SLUICE_RETURN_IF_ERROR(refuseUnknown(config, scaling));
  SLUICE_ASSIGN_OR_RETURN(rope.theta, thetaOf(config, scaling));
  if (rope.type == RopeType::Default)
    return rope;
  if (rope.type == RopeType::Linear && !scaling.has("factor"))
    return scaling.mismatch("factor", "a number from 1 to 1e6");
  SLUICE_ASSIGN_OR_RETURN(
      rope.factor,
      numberWithin(scaling, "factor", 1, 1, 1e6, "a number from 1 to 1e6"));
  if (rope.type == RopeType::Yarn)
    SLUICE_RETURN_IF_ERROR(parseYarn(config, scaling, maxPositions, rope));
  return rope;
}

} // namespace sluice::frontend
