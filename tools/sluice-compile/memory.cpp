//===- memory.cpp - What a plan takes, line by line -----------------------===//

#include "tools/sluice-compile/memory.h"

#include "dialects/plan/PlanIr.h"
#include "tools/support/units.h"

#include <cstdio>

namespace sluice::tools {
namespace {

Status checkBudget(const MemoryTable &table, const char *flag, bool device,
                   std::optional<uint64_t> budget) {
  uint64_t needed = device ? table.device : table.host;
  if (!budget || needed <= *budget)
    return Status::ok();
  std::string items;
  for (const MemoryTable::Item &item : table.items)
    if (item.device == device)
      items += (items.empty() ? "" : ", ") + item.name + " " +
               std::to_string(item.bytes);
  return Status(ErrorCode::OutOfMemory,
                std::string(flag) + " is " + formatBytes(*budget) +
                    ", but the plan needs " + formatBytes(needed) +
                    " (bytes: " + items +
                    "); the smallest budget that works is " + flag + " " +
                    std::to_string(needed));
}

std::string line(const std::string &name, const std::string &where,
                 uint64_t bytes) {
  char text[160];
  std::snprintf(text, sizeof text, "%-24.60s %-6s %15llu %12s\n", name.c_str(),
                where.c_str(), static_cast<unsigned long long>(bytes),
                formatBytes(bytes).c_str());
  return text;
}

std::string total(const char *where, uint64_t bytes,
                  std::optional<uint64_t> budget) {
  std::string text = line("total", where, bytes);
  if (budget)
    text += line("  of a budget of", where, *budget);
  return text;
}

} // namespace

MemoryTable readMemory(mlir::ModuleOp module) {
  MemoryTable table;
  for (auto item : module.getOps<planir::MemoryOp>()) {
    bool device = item.getMemory() == planir::Memory::Device;
    auto bytes = static_cast<uint64_t>(item.getBytes());
    table.items.push_back({item.getName().str(), device, bytes});
    (device ? table.device : table.host) += bytes;
  }
  return table;
}

Status checkBudgets(const MemoryTable &table, const CompileOptions &options) {
  SLUICE_RETURN_IF_ERROR(
      checkBudget(table, "--gpu-memory", true, options.gpuMemory));
  return checkBudget(table, "--host-memory", false, options.hostMemory);
}

std::string explain(const MemoryTable &table, const CompileOptions &options) {
  std::string text = "memory                   where            bytes\n";
  for (const MemoryTable::Item &item : table.items)
    text += line(item.name, item.device ? "gpu" : "host", item.bytes);
  return text + total("gpu", table.device, options.gpuMemory) +
         total("host", table.host, options.hostMemory);
}

} // namespace sluice::tools
