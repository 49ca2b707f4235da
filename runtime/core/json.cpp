//===- json.cpp - JSON from strangers -------------------------------------===//
//
// nlohmann's parser is driven through its SAX interface, which reports errors
// by return value; the document is built here so that depth and duplicate keys
// are checked while it grows. The parser itself does not recurse.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/json.h"

#include "runtime/core/json_text.h"

namespace sluice {
namespace {

using nlohmann::json;

/// Builds the document; `failure` holds the first thing refused.
class DocumentBuilder {
public:
  explicit DocumentBuilder(int maxDepth) : maxDepth(maxDepth) {}

  json document;
  std::string failure;
  size_t failurePosition = kUnknown;
  static constexpr size_t kUnknown = static_cast<size_t>(-1);

  bool null() { return put(json(nullptr)); }
  bool boolean(bool value) { return put(json(value)); }
  bool number_integer(int64_t value) { return put(json(value)); }
  bool number_unsigned(uint64_t value) { return put(json(value)); }
  bool number_float(double value, const std::string &) {
    return put(json(value));
  }
  bool string(std::string &value) { return put(json(std::move(value))); }
  bool binary(json::binary_t &) { return false; }
  bool start_object(size_t) { return open(json(json::value_t::object)); }
  bool start_array(size_t) { return open(json(json::value_t::array)); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string &key) {
    auto *object = stack.back()->get_ptr<json::object_t *>();
    auto [at, fresh] = object->emplace(std::move(key), nullptr);
    if (!fresh) {
      failure = "key " + inQuotes(at->first) +
                " appears twice in one object, expected once";
      return false;
    }
    member = &at->second;
    return true;
  }

  template <typename Error>
  bool parse_error(size_t position, const std::string &, const Error &error) {
    failure = jsonParserMessage(error.what());
    failurePosition = position;
    return false;
  }

private:
  json *put(json &&value, json *&slot) {
    if (slot) {
      *slot = std::move(value);
      return std::exchange(slot, nullptr);
    }
    if (stack.empty()) {
      document = std::move(value);
      return &document;
    }
    auto *array = stack.back()->get_ptr<json::array_t *>();
    array->push_back(std::move(value));
    return &array->back();
  }
  bool put(json &&value) {
    put(std::move(value), member);
    return true;
  }
  bool open(json &&value) {
    if (stack.size() >= static_cast<size_t>(maxDepth)) {
      failure = "arrays and objects nest deeper than " +
                std::to_string(maxDepth) + " levels, expected no more";
      return false;
    }
    // Containers never move while they are open: a parent array only grows
    // after its last child has closed, and map nodes stay where they are.
    stack.push_back(put(std::move(value), member));
    return true;
  }
  bool close() {
    stack.pop_back();
    return true;
  }

  std::vector<json *> stack;
  json *member = nullptr;
  int maxDepth;
};

/// The integer of `value`, when it is one that fits int64.
bool integerOf(const json &value, int64_t &out) {
  if (const auto *number = value.get_ptr<const json::number_unsigned_t *>()) {
    out = static_cast<int64_t>(*number);
    return *number <=
           static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  }
  if (const auto *number = value.get_ptr<const json::number_integer_t *>()) {
    out = *number;
    return true;
  }
  return false;
}

std::string rangeText(int64_t least, int64_t most) {
  const bool hasLeast = least != std::numeric_limits<int64_t>::min();
  const bool hasMost = most != std::numeric_limits<int64_t>::max();
  if (hasLeast && hasMost)
    return "an integer from " + std::to_string(least) + " to " +
           std::to_string(most);
  if (hasLeast)
    return "an integer of at least " + std::to_string(least);
  if (hasMost)
    return "an integer of at most " + std::to_string(most);
  return "an integer";
}

} // namespace

Result<json> parseJson(std::string_view text, std::string_view fileName,
                       const JsonLimits &limits) {
  const std::string file(fileName);
  if (text.size() > limits.maxBytes)
    return Status(ErrorCode::Corrupt, file + ": found " +
                                          std::to_string(text.size()) +
                                          " bytes of JSON, expected at most " +
                                          std::to_string(limits.maxBytes));
  if (text.empty())
    return Status(ErrorCode::Corrupt,
                  file + ": found an empty file, expected JSON");
  ScanPosition position(text);
  DocumentBuilder builder(limits.maxDepth);
  if (!json::sax_parse(position.begin(), position.end(), &builder)) {
    const size_t at = builder.failurePosition != DocumentBuilder::kUnknown
                          ? builder.failurePosition
                          : position.consumed();
    return Status(
        ErrorCode::Corrupt,
        file + ":" + lineAndColumn(text, at) + ": " +
            (builder.failure.empty() ? "expected JSON" : builder.failure));
  }
  return std::move(builder.document);
}

std::string inQuotes(std::string_view text, size_t maxBytes) {
  return "'" + printable(text, maxBytes) + "'";
}

std::string describeJson(const json &value) {
  constexpr size_t kMost = 60;
  switch (value.type()) {
  case json::value_t::object:
    return "an object of " + std::to_string(value.size()) + " keys";
  case json::value_t::array:
    return "an array of " + std::to_string(value.size()) + " values";
  case json::value_t::string:
    return "the string " +
           inQuotes(*value.get_ptr<const json::string_t *>(), kMost);
  case json::value_t::discarded:
  case json::value_t::binary:
    return "no JSON value";
  default:
    return value.dump();
  }
}

Result<JsonObject> JsonObject::of(const json &value, std::string file,
                                  std::string path) {
  if (!value.is_object())
    return Status(ErrorCode::Corrupt, file + (path.empty() ? "" : ": " + path) +
                                          ": found " + describeJson(value) +
                                          ", expected an object");
  return JsonObject(value, std::move(file), std::move(path));
}

const json *JsonObject::find(std::string_view key) const {
  // map<string, ...> with transparent comparison: no copy of the key.
  const auto *object = held->get_ptr<const json::object_t *>();
  auto at = object->find(key);
  return at == object->end() || at->second.is_null() ? nullptr : &at->second;
}

std::string JsonObject::where(std::string_view key) const {
  std::string text = file + ": " + path;
  if (!path.empty())
    text += '.';
  return text.append(key);
}

Status JsonObject::mismatch(std::string_view key, std::string_view expected,
                            ErrorCode code) const {
  const nlohmann::json *found = find(key);
  if (!found)
    return Status(ErrorCode::NotFound, where(key) + " is missing, expected " +
                                           std::string(expected));
  return Status(code, where(key) + ": found " + describeJson(*found) +
                          ", expected " + std::string(expected));
}

Result<int64_t> JsonObject::integer(std::string_view key, int64_t least,
                                    int64_t most) const {
  const nlohmann::json *found = find(key);
  int64_t value = 0;
  if (!found || !integerOf(*found, value) || value < least || value > most)
    return mismatch(key, rangeText(least, most));
  return value;
}

Result<double> JsonObject::number(std::string_view key) const {
  const nlohmann::json *found = find(key);
  if (!found || !found->is_number())
    return mismatch(key, "a number");
  if (const auto *real =
          found->get_ptr<const nlohmann::json::number_float_t *>())
    return *real;
  int64_t value = 0;
  if (integerOf(*found, value))
    return static_cast<double>(value);
  return static_cast<double>(
      *found->get_ptr<const nlohmann::json::number_unsigned_t *>());
}

Result<bool> JsonObject::boolean(std::string_view key) const {
  const nlohmann::json *found = find(key);
  if (!found || !found->is_boolean())
    return mismatch(key, "true or false");
  return *found->get_ptr<const nlohmann::json::boolean_t *>();
}

Result<std::string> JsonObject::string(std::string_view key) const {
  const nlohmann::json *found = find(key);
  if (!found || !found->is_string())
    return mismatch(key, "a string");
  return *found->get_ptr<const nlohmann::json::string_t *>();
}

Result<JsonObject> JsonObject::object(std::string_view key) const {
  const nlohmann::json *found = find(key);
  if (!found || !found->is_object())
    return mismatch(key, "an object");
  return JsonObject(*found, file,
                    path.empty() ? std::string(key)
                                 : path + "." + std::string(key));
}

Result<std::vector<int64_t>>
JsonObject::integers(std::string_view key, int64_t least, int64_t most) const {
  const nlohmann::json *found = find(key);
  if (!found || !found->is_array())
    return mismatch(key, "an array of integers");
  std::vector<int64_t> values;
  values.reserve(found->size());
  for (const nlohmann::json &element : *found) {
    int64_t value = 0;
    if (!integerOf(element, value) || value < least || value > most)
      return Status(ErrorCode::Corrupt,
                    where(key) + "[" + std::to_string(values.size()) +
                        "]: found " + describeJson(element) + ", expected " +
                        rangeText(least, most));
    values.push_back(value);
  }
  return values;
}

Result<int64_t> JsonObject::integerOr(std::string_view key, int64_t fallback,
                                      int64_t least, int64_t most) const {
  if (!has(key))
    return fallback;
  return integer(key, least, most);
}

Result<double> JsonObject::numberOr(std::string_view key,
                                    double fallback) const {
  if (!has(key))
    return fallback;
  return number(key);
}

Result<bool> JsonObject::booleanOr(std::string_view key, bool fallback) const {
  if (!has(key))
    return fallback;
  return boolean(key);
}

Result<std::string> JsonObject::stringOr(std::string_view key,
                                         std::string fallback) const {
  if (!has(key))
    return fallback;
  return string(key);
}

} // namespace sluice
