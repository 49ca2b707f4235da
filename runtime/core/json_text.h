//===- json_text.h - Words about JSON errors --------------------*- C++ -*-===//
//
// Shared by the parsers that drive nlohmann's SAX interface (json.cpp and the
// safetensors header): where an error stands, and how it is said in one line.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace sluice {

/// "3:17": the line and column (both from 1) of byte `position` of `text`.
std::string lineAndColumn(std::string_view text, size_t position);

/// `text` cut to about `maxBytes` bytes, with control characters and bytes that
/// are not valid UTF-8 as '?'. Never more than one line.
std::string printable(std::string_view text, size_t maxBytes);

/// The message of nlohmann's parser without its prefix and positions.
std::string jsonParserMessage(std::string_view what);

/// An input range for nlohmann's parser that remembers how far it has read,
/// for errors that the parser itself does not report.
class ScanPosition {
public:
  explicit ScanPosition(std::string_view text)
      : text(text), next(text.data()) {}

  class Iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char *;
    using reference = const char &;

    Iterator(const char *at, const char **mark) : at(at), mark(mark) {}
    const char &operator*() const { return *at; }
    Iterator &operator++() {
      ++at;
      *mark = at;
      return *this;
    }
    bool operator==(const Iterator &other) const { return at == other.at; }
    bool operator!=(const Iterator &other) const { return at != other.at; }

  private:
    const char *at;
    const char **mark;
  };

  Iterator begin() { return Iterator(text.data(), &next); }
  Iterator end() { return Iterator(text.data() + text.size(), &next); }
  size_t consumed() const { return static_cast<size_t>(next - text.data()); }

private:
  std::string_view text;
  const char *next;
};

} // namespace sluice
