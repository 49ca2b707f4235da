//===- json.h - JSON from strangers -----------------------------*- C++ -*-===//
//
// Every JSON text that Sluice reads (configs, indices, tokenizers, prompts) is
// parsed here: size and depth are limited, duplicate keys and invalid UTF-8 are
// refused, and no exception leaves. JsonObject reads typed members with errors
// that name the file, the key, what was found and what was expected.
//
// Code outside of this folder must not call nlohmann's throwing accessors
// (at(), get<T>(), operator[] const): the runtime is built without exceptions,
// where they abort. Use JsonObject, find(), is_*() and get_ptr<>().
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct JsonLimits {
  size_t maxBytes = size_t(64) << 20;
  int maxDepth = 64; ///< Of nested arrays and objects.
};

/// The value of `text`, or a one-line error with `fileName`, line and column.
/// Refuses numbers that fit neither 64-bit integers nor finite doubles.
Result<nlohmann::json> parseJson(std::string_view text,
                                 std::string_view fileName,
                                 const JsonLimits &limits = {});

/// A short text of `value` for an error message: one line, at most about 60
/// bytes.
std::string describeJson(const nlohmann::json &value);
/// `text` in single quotes for an error message: one line, control characters
/// and broken UTF-8 as '?', at most about `maxBytes` bytes.
std::string inQuotes(std::string_view text, size_t maxBytes = 120);

/// A JSON object and where it stands, for typed reads. Refers to the value,
/// which must outlive it. A member that is null counts as absent.
class JsonObject {
public:
  /// `path` is the key under which the object stands in the file, with its
  /// parents ("rope_scaling"), empty for the root. Fails when `value` is no
  /// object.
  static Result<JsonObject> of(const nlohmann::json &value, std::string file,
                               std::string path = "");

  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The member, or null when it is absent or JSON null.
  const nlohmann::json *find(std::string_view key) const;

  // Required members: absent is an error.
  Result<int64_t>
  integer(std::string_view key,
          int64_t least = std::numeric_limits<int64_t>::min(),
          int64_t most = std::numeric_limits<int64_t>::max()) const;
  /// An integer or a float, always finite.
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string> string(std::string_view key) const;
  Result<JsonObject> object(std::string_view key) const;
  Result<std::vector<int64_t>>
  integers(std::string_view key,
           int64_t least = std::numeric_limits<int64_t>::min(),
           int64_t most = std::numeric_limits<int64_t>::max()) const;

  // The same with a value for an absent member; a wrong type stays an error.
  Result<int64_t>
  integerOr(std::string_view key, int64_t fallback,
            int64_t least = std::numeric_limits<int64_t>::min(),
            int64_t most = std::numeric_limits<int64_t>::max()) const;
  Result<double> numberOr(std::string_view key, double fallback) const;
  Result<bool> booleanOr(std::string_view key, bool fallback) const;
  Result<std::string> stringOr(std::string_view key,
                               std::string fallback) const;

  /// "config.json: rope_scaling.factor"
  std::string where(std::string_view key) const;
  /// "<where>: found <value>, expected <expected>" (or "is missing, expected").
  Status mismatch(std::string_view key, std::string_view expected,
                  ErrorCode code = ErrorCode::Corrupt) const;
  const nlohmann::json &value() const { return *held; }
  const std::string &fileName() const { return file; }

private:
  JsonObject(const nlohmann::json &value, std::string file, std::string path)
      : held(&value), file(std::move(file)), path(std::move(path)) {}

  const nlohmann::json *held;
  std::string file, path;
};

} // namespace sluice
