//===- report.cpp - A table as Markdown, CSV or JSON ----------------------===//

#include "tools/sluice-bench/report.h"

#include <algorithm>

namespace sluice::tools {
namespace {

/// Names come from files: neither a bar nor a control character may break the
/// table.
std::string cellText(const std::string &text) {
  std::string cell = text;
  for (char &c : cell)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '|')
      c = ' ';
  return cell;
}

/// Characters rather than bytes of UTF-8.
size_t displayWidth(const std::string &text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string dump(const nlohmann::ordered_json &value) {
  // A name that is no UTF-8 must not end the run.
  return value.dump(-1, ' ', false,
                    nlohmann::ordered_json::error_handler_t::replace);
}

std::string csvField(const nlohmann::ordered_json &value) {
  if (value.is_null())
    return "";
  if (!value.is_string())
    return dump(value);
  std::string field = "\"";
  for (char c : value.get_ref<const std::string &>()) {
    if (c == '"')
      field += '"';
    field += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return field + '"';
}

} // namespace

Report::Report(std::ostream &out, Format format, std::vector<Column> columns)
    : out(out), format(format), columns(std::move(columns)) {
  for (Column &column : this->columns)
    column.width = std::max(column.width, displayWidth(column.name));
}

void Report::row(const ReportRow &row) {
  switch (format) {
  case Format::Markdown:
    if (rows == 0) {
      std::vector<std::string> names, rules;
      for (const Column &column : columns) {
        names.push_back(column.name);
        rules.push_back(std::string(column.width - column.numbers, '-') +
                        (column.numbers ? ":" : ""));
      }
      markdownRow(names);
      markdownRow(rules);
    }
    markdownRow(row.cells);
    break;
  case Format::Csv:
    csvRow(row.record);
    break;
  case Format::Json:
    out << (rows == 0 ? "[\n  " : ",\n  ") << dump(row.record);
    break;
  }
  ++rows;
  out.flush();
}

void Report::markdownRow(const std::vector<std::string> &cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string text = cellText(cells[i]);
    const size_t width = displayWidth(text);
    const std::string gap(
        columns[i].width > width ? columns[i].width - width : 0, ' ');
    out << "| " << (columns[i].numbers ? gap + text : text + gap) << ' ';
  }
  out << "|\n";
}

void Report::csvRow(const nlohmann::ordered_json &record) {
  std::string names, fields;
  for (const auto &[name, value] : record.items()) {
    if (value.is_array())
      continue;
    const char *separator = names.empty() ? "" : ",";
    names += separator + name;
    fields += separator + csvField(value);
  }
  if (rows == 0)
    out << names << '\n';
  out << fields << '\n';
}

Status Report::finish() {
  if (format == Format::Json)
    out << (rows == 0 ? "[]\n" : "\n]\n");
  out.flush();
  if (!out)
    return Status(ErrorCode::Io, "stdout: the table could not be written");
  return Status::ok();
}

} // namespace sluice::tools
