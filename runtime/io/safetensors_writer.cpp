//===- safetensors_writer.cpp - Writing a safetensors file ----------------===//
#include "runtime/io/safetensors_writer.h"

#include "runtime/core/checked.h"
#include "runtime/core/json.h"

namespace sluice {
namespace {

/// `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string jsonString(const std::string &text) {
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);
}

} // namespace

Result<SafetensorsWriter>
SafetensorsWriter::create(const std::string &path,
                          const std::vector<Entry> &tensors,
                          const std::map<std::string, std::string> &metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto &[key, value] : metadata)
      header += (header.back() == '{' ? "" : ",") + jsonString(key) + ":" +
                jsonString(value);
    header += "}";
  }
  uint64_t offset = 0;
  for (const Entry &tensor : tensors) {
    std::optional<uint64_t> bytes = byteSize(tensor.dtype);
    std::string shape;
    for (int64_t dim : tensor.shape) {
      if (bytes)
        bytes = dim < 0 ? std::nullopt
                        : checkedMul(*bytes, static_cast<uint64_t>(dim));
      shape += (shape.empty() ? "" : ",") + std::to_string(dim);
    }
    const auto end = bytes ? checkedAdd(offset, *bytes) : std::nullopt;
    if (!end)
      return Status(ErrorCode::InvalidArgument,
                    path + ": tensor " + inQuotes(tensor.name) + ": found " +
                        describe(tensor.dtype, tensor.shape) +
                        ", expected dimensions >= 0 and a size below 2^64");
    header += (header.back() == '{' ? "" : ",") + jsonString(tensor.name) +
              ":{\"dtype\":\"" + name(tensor.dtype) + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(offset) + "," +
              std::to_string(*end) + "]}";
    offset = *end;
  }
  header += "}";
  // Padded with spaces so that data begins at a multiple of 8.
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const auto total = checkedAdd(offset, 8 + header.size());
  if (!total)
    return Status(ErrorCode::InvalidArgument,
                  path + ": found more than 2^64 bytes of tensors, expected "
                         "a file that can exist");
  std::string start(8, '\0');
  for (int i = 0; i < 8; ++i)
    start[i] = static_cast<char>(header.size() >> (8 * i));
  start += header;
  // Our own reader is the judge of names, ranks and header size.
  if (auto parsed = SafetensorsHeader::parse(start, *total, path); !parsed)
    return parsed.takeStatus();

  SLUICE_ASSIGN_OR_RETURN(NewFile file, NewFile::create(path));
  SLUICE_RETURN_IF_ERROR(file.append(start));
  return SafetensorsWriter(std::move(file), *total, path);
}

Status SafetensorsWriter::append(const void *data, size_t bytes) {
  if (!insideOf(file.written(), bytes, expected))
    return Status(ErrorCode::InvalidArgument,
                  path + ": given " + std::to_string(bytes) +
                      " bytes, expected at most the " +
                      std::to_string(expected - file.written()) +
                      " left of the declared tensors");
  return file.append(data, bytes);
}

Status SafetensorsWriter::finish() {
  if (file.written() != expected)
    return Status(ErrorCode::InvalidArgument,
                  path + ": written " + std::to_string(file.written()) +
                      " bytes, expected " + std::to_string(expected) +
                      " for the declared tensors");
  return file.commit();
}

} // namespace sluice
