//===- dump.cpp - A plan for people ---------------------------------------===//

#include "tools/sluice-dump/dump.h"

#include "kernels/signatures.h"
#include "tools/sluice-dump/experts.h"
#include "tools/support/units.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <map>
#include <sstream>
#include <vector>

namespace sluice::tools {

namespace fb = plan::fb;

namespace {

constexpr int kColumnWidth = 44;
constexpr size_t kBuffersShown = 6;

std::string bufferName(const fb::Plan &plan, uint32_t index) {
  return plan.buffers()->Get(index)->name()->str();
}

std::string launchText(const fb::Plan &plan, const fb::Launch &launch) {
  const Signature &signature =
      *findSignature(static_cast<Kernel>(launch.kernel()));
  std::ostringstream text;
  text << signature.name;
  if (launch.arithmetic() == fb::Arithmetic::Tensor)
    text << "*";
  // What it writes says best which launch of its kind it is.
  for (size_t i = 0; i < signature.operands.size(); ++i)
    if (signature.operands[i].access == Access::Write &&
        launch.operands()->Get(i) != UINT32_MAX) {
      text << " -> " << bufferName(plan, launch.operands()->Get(i));
      break;
    }
  return text.str();
}

std::string layerOf(const fb::Plan &plan, uint32_t bank) {
  return " L" + std::to_string(plan.expert_banks()->Get(bank)->layer());
}

/// "expert_demand L3", with what is particular to the kind behind it.
std::string expertText(const fb::Plan &plan, const fb::Instruction &step) {
  auto text = [&](const char *what, const auto &operation) {
    return what + layerOf(plan, operation.bank()) +
           (operation.part() > 0 ? " part " + std::to_string(operation.part())
                                 : "");
  };
  switch (step.operation_type()) {
  case fb::Operation::ExpertDemand: {
    const auto &demand = *step.operation_as_ExpertDemand();
    return text("expert_demand", demand) + (demand.all() ? " all" : "") + " e" +
           std::to_string(demand.event());
  }
  case fb::Operation::ExpertSplit: {
    const auto &split = *step.operation_as_ExpertSplit();
    std::ostringstream share;
    share << ' ' << std::setprecision(3) << split.share();
    return text("expert_split", split) + share.str();
  }
  case fb::Operation::ExpertFetch:
    return text("expert_fetch", *step.operation_as_ExpertFetch());
  case fb::Operation::ExpertRunHost:
    return text("expert_run_host", *step.operation_as_ExpertRunHost());
  case fb::Operation::ExpertRun:
    return text("expert_run", *step.operation_as_ExpertRun());
  case fb::Operation::ExpertJoin:
    return text("expert_join", *step.operation_as_ExpertJoin());
  case fb::Operation::ExpertRelease: {
    const auto &release = *step.operation_as_ExpertRelease();
    return text("expert_release", release) +
           (release.forget() ? " forget" : "");
  }
  case fb::Operation::ExpertPrefetch: {
    const auto &prefetch = *step.operation_as_ExpertPrefetch();
    return "expert_prefetch" + layerOf(plan, prefetch.bank()) + " at most " +
           std::to_string(prefetch.limit());
  }
  default:
    return "?";
  }
}

std::string operationText(const fb::Plan &plan, const fb::Instruction &step) {
  switch (step.operation_type()) {
  case fb::Operation::Launch:
    return launchText(plan, *step.operation_as_Launch());
  case fb::Operation::Copy: {
    const auto &copy = *step.operation_as_Copy();
    return std::string(copy.recording() ? "copy? " : "copy ") +
           bufferName(plan, copy.source());
  }
  case fb::Operation::Fetch:
    return "fetch " + plan.sources()
                          ->Get(step.operation_as_Fetch()->source())
                          ->tensor()
                          ->str();
  case fb::Operation::Record:
    return "record e" + std::to_string(step.operation_as_Record()->event());
  case fb::Operation::Wait:
    return "wait e" + std::to_string(step.operation_as_Wait()->event());
  case fb::Operation::GraphBegin:
    return "graph " + std::to_string(step.operation_as_GraphBegin()->graph()) +
           " {";
  case fb::Operation::GraphEnd:
    return "} graph " + std::to_string(step.operation_as_GraphEnd()->graph());
  default:
    return expertText(plan, step);
  }
}

void printEntry(std::ostream &out, const fb::Plan &plan,
                const fb::Entry &entry) {
  std::array<bool, 4> used = {};
  std::map<std::string, int> counts;
  for (const fb::Instruction *step : *entry.instructions()) {
    used[static_cast<size_t>(step->stream())] = true;
    ++counts[fb::EnumNameOperation(step->operation_type())];
  }
  out << "\nentry " << entry.name()->str() << ": at most " << entry.max_rows()
      << " rows, " << entry.max_logit_rows() << " logit rows;";
  for (const auto &[kind, count] : counts)
    out << ' ' << count << ' ' << kind;
  out << "\n     ";
  for (size_t stream = 0; stream < used.size(); ++stream)
    if (used[stream])
      out << std::left << std::setw(kColumnWidth)
          << fb::EnumNameStreamKind(static_cast<fb::StreamKind>(stream));
  out << '\n';
  int number = 0;
  for (const fb::Instruction *step : *entry.instructions()) {
    out << std::right << std::setw(4) << number++ << ' ';
    std::string text = operationText(plan, *step);
    if (text.size() > kColumnWidth - 2)
      text.resize(kColumnWidth - 2);
    for (size_t stream = 0; stream < static_cast<size_t>(step->stream());
         ++stream)
      if (used[stream])
        out << std::string(kColumnWidth, ' ');
    out << text << '\n';
  }
}

} // namespace

void printSummary(std::ostream &out, const plan::Plan &file) {
  const fb::Plan &plan = file.get();
  const fb::Model &model = *plan.model();
  out << "plan       " << file.name() << " (" << formatBytes(file.size())
      << ", version " << plan.version() << ", " << plan.compiler()->str()
      << ")\n"
      << "options    " << plan.options()->str() << '\n'
      << "model      " << model.name()->str() << ", "
      << model.architecture()->str() << ", " << std::fixed
      << std::setprecision(2) << static_cast<double>(model.parameters()) / 1e6
      << " M parameters\n"
      << "shape      " << model.layers() << " layers, hidden " << model.hidden()
      << ", vocabulary " << model.vocab() << ", " << model.experts()
      << " experts, top " << model.top_k() << '\n'
      << "serves     " << model.max_sequences() << " sequences of "
      << model.max_positions() << " tokens; KV in " << model.pages()
      << " pages of " << model.page_tokens() << " tokens\n"
      << "weights    " << plan.files()->size() << " files in "
      << plan.model_dir()->str() << ", fingerprint " << std::hex
      << plan.fingerprint() << std::dec << '\n';
  for (const fb::File *weights : *plan.files())
    out << "           " << weights->path()->str() << ", "
        << formatBytes(weights->bytes()) << '\n';
}

void printMemory(std::ostream &out, const plan::Plan &file) {
  const fb::Plan &plan = file.get();
  uint64_t device = 0, host = 0;
  out << "\nmemory\n";
  for (const fb::MemoryItem *item : *plan.memory()) {
    out << "  " << std::left << std::setw(20) << item->name()->str()
        << std::right << std::setw(12) << formatBytes(item->bytes()) << "  "
        << fb::EnumNameMemoryKind(item->kind()) << '\n';
    (item->kind() == fb::MemoryKind::Device ? device : host) += item->bytes();
  }
  out << "  " << std::left << std::setw(20) << "total" << std::right
      << std::setw(12) << formatBytes(device) << "  Device, "
      << formatBytes(host) << " Host\n";

  std::vector<std::vector<const fb::Buffer *>> byArena(plan.arenas()->size());
  for (const fb::Buffer *buffer : *plan.buffers())
    byArena[buffer->arena()].push_back(buffer);
  for (size_t i = 0; i < byArena.size(); ++i) {
    const fb::Arena &arena = *plan.arenas()->Get(i);
    uint64_t sum = 0;
    for (const fb::Buffer *buffer : byArena[i])
      sum += buffer->bytes();
    out << "\narena " << arena.name()->str() << ": "
        << formatBytes(arena.bytes()) << " for " << byArena[i].size()
        << " buffers of " << formatBytes(sum) << " together\n";
    std::sort(byArena[i].begin(), byArena[i].end(),
              [](const fb::Buffer *a, const fb::Buffer *b) {
                return a->bytes() != b->bytes() ? a->bytes() > b->bytes()
                                                : a->offset() < b->offset();
              });
    for (size_t j = 0; j < std::min(kBuffersShown, byArena[i].size()); ++j) {
      const fb::Buffer &buffer = *byArena[i][j];
      out << "  [" << std::setw(12) << buffer.offset() << ", " << std::setw(12)
          << buffer.offset() + buffer.bytes() << ")  " << std::setw(11)
          << formatBytes(buffer.bytes()) << "  "
          << name(static_cast<DType>(buffer.dtype())) << "  "
          << buffer.name()->str() << '\n';
    }
    if (byArena[i].size() > kBuffersShown)
      out << "  ... and " << byArena[i].size() - kBuffersShown << " smaller\n";
  }
  printExperts(out, file);
}

void printInstructions(std::ostream &out, const plan::Plan &file) {
  const fb::Plan &plan = file.get();
  out << "\ninstructions (* tensor arithmetic, ? only while routing is "
         "recorded)\n";
  printEntry(out, plan, *plan.load());
  for (const fb::Entry *entry : *plan.entries())
    printEntry(out, plan, *entry);
}

} // namespace sluice::tools
