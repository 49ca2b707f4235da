//===- log.cpp - What the tools say and how they end ----------------------===//

#include "tools/support/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

namespace sluice::tools {
namespace {

/// Names and messages may come from hostile files: no control characters get to
/// a terminal, and an error stays one line.
std::string oneLine(std::string_view message) {
  std::string line(message);
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  return line;
}

} // namespace

void initLog(std::string_view tool) {
  auto logger = spdlog::stderr_logger_mt(std::string(tool));
  logger->set_pattern("%n: %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

void logInfo(std::string_view message) { spdlog::info("{}", oneLine(message)); }
void logWarning(std::string_view message) {
  spdlog::warn("{}", oneLine(message));
}
void logError(std::string_view message) {
  spdlog::error("{}", oneLine(message));
}

int fail(const Status &status) {
  logError(status.message());
  return kFailed;
}

} // namespace sluice::tools
