//===- report.h - A table as Markdown, CSV or JSON --------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <nlohmann/json.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace sluice::tools {

enum class Format { Markdown, Csv, Json };

/// A column of the Markdown table.
struct Column {
  std::string name;
  size_t width;         ///< Characters, at least; the rows are not known yet.
  bool numbers = false; ///< Set to the right.
};

/// What a row says: short cells for people, a record with everything for
/// programs.
struct ReportRow {
  std::vector<std::string> cells;
  nlohmann::ordered_json record; ///< A flat object; arrays are for JSON alone.
};

/// Writes rows as they come, since a row may take minutes. All records have the
/// same keys in the same order.
class Report {
public:
  Report(std::ostream &out, Format format, std::vector<Column> columns);

  void row(const ReportRow &row);

  /// Ends the table; also after a failure, so that what is there is whole. Io
  /// when the output did not take all of it.
  Status finish();

private:
  void markdownRow(const std::vector<std::string> &cells);
  void csvRow(const nlohmann::ordered_json &record);

  std::ostream &out;
  Format format;
  std::vector<Column> columns;
  size_t rows = 0;
};

} // namespace sluice::tools
