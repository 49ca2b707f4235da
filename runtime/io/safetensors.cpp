//===- safetensors.cpp - The header of a weight file ----------------------===//
//
// The JSON is read as a stream of events into the list of tensors, without a
// document in between: 19,000 tensors take some 20 ms.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/safetensors.h"

#include "runtime/core/checked.h"
#include "runtime/core/hash.h"
#include "runtime/core/json.h"
#include "runtime/core/json_text.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

using Json = nlohmann::json;

/// Takes the parser's events. Offsets stay relative to the data here: `offset`
/// holds the begin and `bytes` the END until check() has seen them.
class HeaderEvents {
public:
  std::vector<SafetensorsTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::string failure;

  bool null() { return unexpected("null"); }
  bool boolean(bool value) { return unexpected(value ? "true" : "false"); }
  bool number_integer(int64_t value) {
    return unexpected(std::to_string(value));
  }
  bool number_float(double, const std::string &text) {
    return unexpected(printable(text, 40));
  }
  bool binary(Json::binary_t &) { return unexpected("binary"); }

  bool number_unsigned(uint64_t value) {
    if (level != Level::Array)
      return unexpected(std::to_string(value));
    if (field == Field::Shape) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return fail("found a dimension of " + std::to_string(value) +
                    ", expected less than 2^63");
      if (current().shape.size() == SafetensorsHeader::kMaxRank)
        return fail("found more than " +
                    std::to_string(SafetensorsHeader::kMaxRank) +
                    " dimensions, expected no more");
      current().shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (offsets == 2)
      return fail("found more than two data_offsets, expected begin and end");
    (offsets++ == 0 ? current().offset : current().bytes) = value;
    return true;
  }

  bool string(std::string &value) {
    if (level == Level::Metadata) {
      metadataValue(value);
      return true;
    }
    if (level != Level::Tensor || field != Field::Dtype)
      return unexpected(inQuotes(value, 40));
    auto type = storageTypeFromName(value);
    if (!type)
      return fail("found dtype " + inQuotes(value, 40) +
                  ", expected one that Sluice knows (BF16, F16, F32, ...)");
    current().dtype = *type;
    return true;
  }

  bool start_object(size_t) {
    if (level == Level::Start) {
      level = Level::Root;
      return true;
    }
    if (level != Level::Root)
      return unexpected("an object");
    level = pendingMetadata ? Level::Metadata : Level::Tensor;
    seen = 0;
    offsets = 0;
    return true;
  }

  bool end_object() {
    if (level == Level::Tensor && seen != kAllFields)
      return fail("lacks " + missingFields() +
                  ", expected dtype, shape and data_offsets");
    if (level == Level::Tensor && offsets != 2)
      return fail("found " + std::to_string(offsets) +
                  " data_offsets, expected begin and end");
    level = level == Level::Root ? Level::Done : Level::Root;
    return true;
  }

  bool start_array(size_t) {
    if (level != Level::Tensor || field == Field::Dtype)
      return unexpected("an array");
    level = Level::Array;
    return true;
  }

  bool end_array() {
    level = Level::Tensor;
    return true;
  }

  bool key(std::string &key) {
    switch (level) {
    case Level::Root:
      pendingMetadata = key == "__metadata__";
      if (pendingMetadata) {
        if (std::exchange(metadataSeen, true)) {
          failure = "found __metadata__ twice, expected once";
          return false;
        }
      } else {
        tensors.emplace_back().name = std::move(key);
      }
      return true;
    case Level::Metadata:
      metadataKey = std::move(key);
      if (metadata.count(metadataKey)) {
        failure = "found key " + inQuotes(metadataKey) +
                  " twice in __metadata__, expected once";
        return false;
      }
      return true;
    default:
      return tensorKey(key);
    }
  }

  template <typename Error>
  bool parse_error(size_t position, const std::string &, const Error &error) {
    failure = "byte " + std::to_string(8 + position) + ": " +
              jsonParserMessage(error.what());
    return false;
  }

private:
  enum class Level { Start, Root, Metadata, Tensor, Array, Done };
  enum class Field : unsigned { Dtype = 1, Shape = 2, Offsets = 4 };
  static constexpr unsigned kAllFields = 7;

  SafetensorsTensor &current() { return tensors.back(); }

  bool tensorKey(const std::string &key) {
    if (key == "dtype")
      field = Field::Dtype;
    else if (key == "shape")
      field = Field::Shape;
    else if (key == "data_offsets")
      field = Field::Offsets;
    else
      return fail("found key " + inQuotes(key) +
                  ", expected dtype, shape and data_offsets");
    const unsigned bit = static_cast<unsigned>(field);
    if (seen & bit)
      return fail("found " + key + " twice, expected once");
    seen |= bit;
    return true;
  }

  void metadataValue(std::string &value) {
    metadata.emplace(std::move(metadataKey), std::move(value));
  }

  std::string missingFields() const {
    if (!(seen & static_cast<unsigned>(Field::Dtype)))
      return "dtype";
    return seen & static_cast<unsigned>(Field::Shape) ? "data_offsets"
                                                      : "shape";
  }

  bool fail(const std::string &what) {
    failure = "tensor " + inQuotes(current().name) + ": " + what;
    return false;
  }

  bool unexpected(const std::string &found) {
    switch (level) {
    case Level::Start:
    case Level::Done:
      failure = "found " + found + ", expected an object";
      return false;
    case Level::Root:
      if (!pendingMetadata)
        return fail("found " + found + ", expected an object");
      failure = "__metadata__: found " + found + ", expected an object";
      return false;
    case Level::Metadata:
      failure = "__metadata__: key " + inQuotes(metadataKey) + ": found " +
                found + ", expected a string";
      return false;
    case Level::Tensor:
      return fail(std::string(fieldName()) + ": found " + found +
                  ", expected " +
                  (field == Field::Dtype ? "a string" : "an array"));
    case Level::Array:
      return fail(std::string(fieldName()) + ": found " + found +
                  ", expected unsigned integers");
    }
    return false;
  }

  const char *fieldName() const {
    return field == Field::Dtype   ? "dtype"
           : field == Field::Shape ? "shape"
                                   : "data_offsets";
  }

  Level level = Level::Start;
  Field field = Field::Dtype;
  unsigned seen = 0;
  int offsets = 0;
  bool pendingMetadata = false, metadataSeen = false;
  std::string metadataKey;
};

/// Bytes of a tensor's shape and dtype, or nothing on overflow.
std::optional<uint64_t> sizeOf(const SafetensorsTensor &tensor) {
  std::optional<uint64_t> bytes = byteSize(tensor.dtype);
  for (int64_t dim : tensor.shape)
    if (bytes)
      bytes = checkedMul(*bytes, static_cast<uint64_t>(dim));
  return bytes;
}

/// Checks spans against shapes and against each other, and turns (begin, end)
/// into (absolute offset, bytes).
Status place(std::vector<SafetensorsTensor> &tensors, uint64_t dataStart,
             uint64_t fileBytes, const std::string &file) {
  auto fail = [&](const SafetensorsTensor &tensor, const std::string &what) {
    return Status(ErrorCode::Corrupt,
                  file + ": tensor " + inQuotes(tensor.name) + ": " + what);
  };
  std::vector<uint32_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<uint32_t>(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tie(tensors[a].offset, tensors[a].bytes, a) <
           std::tie(tensors[b].offset, tensors[b].bytes, b);
  });
  const uint64_t dataBytes = fileBytes - dataStart;
  uint64_t expected = 0;
  for (uint32_t index : order) {
    SafetensorsTensor &tensor = tensors[index];
    const uint64_t begin = tensor.offset, end = tensor.bytes;
    if (end < begin)
      return fail(tensor, "found data_offsets [" + std::to_string(begin) +
                              ", " + std::to_string(end) +
                              "], expected begin <= end");
    if (begin != expected)
      return fail(tensor,
                  "begins at data byte " + std::to_string(begin) +
                      ", expected " + std::to_string(expected) +
                      (begin < expected ? " (tensors overlap)" : " (a hole)"));
    const std::optional<uint64_t> bytes = sizeOf(tensor);
    if (!bytes)
      return fail(tensor, "found shape " +
                              describe(tensor.dtype, tensor.shape) +
                              ", expected a size below 2^64 bytes");
    if (*bytes != end - begin)
      return fail(tensor, "found " + std::to_string(end - begin) +
                              " bytes of data, expected " +
                              std::to_string(*bytes) + " for " +
                              describe(tensor.dtype, tensor.shape));
    if (end > dataBytes)
      return fail(tensor, "ends at data byte " + std::to_string(end) +
                              ", expected at most " +
                              std::to_string(dataBytes) +
                              " (the file is truncated)");
    tensor.offset = dataStart + begin;
    tensor.bytes = end - begin;
    expected = end;
  }
  if (expected != dataBytes)
    return Status(ErrorCode::Corrupt,
                  file + ": found " + std::to_string(dataBytes - expected) +
                      " bytes after the last tensor, expected the file to end "
                      "at byte " +
                      std::to_string(dataStart + expected));
  return Status::ok();
}

uint64_t littleEndian64(const char *bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// The header's length from the first 8 bytes, checked against the file.
Result<uint64_t> headerLength(std::string_view start, uint64_t fileBytes,
                              const std::string &file) {
  if (fileBytes < 8 || start.size() < 8)
    return Status(ErrorCode::Corrupt,
                  file + ": found " + std::to_string(fileBytes) +
                      " bytes, expected at least the 8 of a safetensors "
                      "header length");
  const uint64_t length = littleEndian64(start.data());
  if (length > SafetensorsHeader::kMaxHeaderBytes)
    return Status(ErrorCode::Corrupt,
                  file + ": found a header of " + std::to_string(length) +
                      " bytes, expected at most " +
                      std::to_string(SafetensorsHeader::kMaxHeaderBytes));
  if (length > fileBytes - 8)
    return Status(ErrorCode::Corrupt,
                  file + ": found a file of " + std::to_string(fileBytes) +
                      " bytes, expected at least " +
                      std::to_string(8 + length) +
                      " for its header (the file is truncated)");
  return length;
}

} // namespace

Result<SafetensorsHeader> SafetensorsHeader::read(const File &file) {
  std::string start(std::min<uint64_t>(file.size(), 8), '\0');
  SLUICE_RETURN_IF_ERROR(
      file.read(0, std::as_writable_bytes(std::span(start))));
  SLUICE_ASSIGN_OR_RETURN(const uint64_t length,
                          headerLength(start, file.size(), file.path()));
  start.resize(8 + length);
  SLUICE_RETURN_IF_ERROR(
      file.read(8, std::as_writable_bytes(std::span(start)).subspan(8)));
  return parse(start, file.size(), file.path());
}

Result<SafetensorsHeader> SafetensorsHeader::parse(std::string_view start,
                                                   uint64_t fileBytes,
                                                   std::string_view fileName) {
  const std::string file(fileName);
  SLUICE_ASSIGN_OR_RETURN(const uint64_t length,
                          headerLength(start, fileBytes, file));
  if (start.size() - 8 < length)
    return Status(ErrorCode::InvalidArgument,
                  file + ": given " + std::to_string(start.size()) +
                      " bytes, expected the whole header of " +
                      std::to_string(8 + length));
  const std::string_view text = start.substr(8, length);
  if (text.empty() || text.front() != '{')
    return Status(ErrorCode::Corrupt,
                  file + ": found " +
                      (text.empty() ? "an empty header"
                                    : "a header that begins with " +
                                          inQuotes(text.substr(0, 1))) +
                      ", expected '{'");
  HeaderEvents events;
  if (!Json::sax_parse(text.data(), text.data() + text.size(), &events))
    return Status(
        ErrorCode::Corrupt,
        file + ": safetensors header: " +
            (events.failure.empty() ? "expected JSON" : events.failure));

  SafetensorsHeader header;
  header.dataStart = 8 + length;
  SLUICE_RETURN_IF_ERROR(
      place(events.tensors, header.dataStart, fileBytes, file));
  std::sort(events.tensors.begin(), events.tensors.end(),
            [](const auto &a, const auto &b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(
      events.tensors.begin(), events.tensors.end(),
      [](const auto &a, const auto &b) { return a.name == b.name; });
  if (twice != events.tensors.end())
    return Status(ErrorCode::Corrupt, file + ": tensor " +
                                          inQuotes(twice->name) +
                                          " appears twice, expected once");
  header.list = std::move(events.tensors);
  header.extra = std::move(events.metadata);
  header.headerHash = hash64(start.substr(0, 8 + length));
  return header;
}

const SafetensorsTensor *SafetensorsHeader::find(std::string_view name) const {
  auto at = std::lower_bound(list.begin(), list.end(), name,
                             [](const auto &tensor, std::string_view key) {
                               return tensor.name < key;
                             });
  return at != list.end() && at->name == name ? &*at : nullptr;
}

} // namespace sluice
