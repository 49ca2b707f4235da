//===- plan_writer.cpp - Plans written by hand ----------------------------===//

#include "tests/runtime/plan/plan_writer.h"

#include "runtime/core/hash.h"
#include "runtime/io/fingerprint.h"
#include "runtime/plan/version.h"

#include <gtest/gtest.h>

namespace sluice::testing {
namespace {

/// Header and length prefix; the weights start behind it.
constexpr uint64_t kHeaderBytes = 256;

uint64_t elementBytes(fb::DType type) {
  return byteSize(static_cast<DType>(type));
}

} // namespace

std::vector<uint8_t> pack(const fb::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
  return {builder.GetBufferPointer(),
          builder.GetBufferPointer() + builder.GetSize()};
}

void sealFingerprint(fb::PlanT &plan) {
  std::vector<FileIdentity> identities;
  for (const auto &file : plan.files)
    identities.push_back({file->path, file->bytes, file->header_hash});
  plan.fingerprint = sluice::fingerprint(identities);
}

uint32_t findBuffer(const fb::PlanT &plan, const std::string &name) {
  for (uint32_t i = 0; i < plan.buffers.size(); ++i)
    if (plan.buffers[i]->name == name)
      return i;
  ADD_FAILURE() << "no buffer " << name;
  return 0;
}

uint32_t PlanWriter::arena(const std::string &name, fb::MemoryKind kind) {
  plan.arenas.push_back(std::make_unique<fb::ArenaT>());
  plan.arenas.back()->name = name;
  plan.arenas.back()->kind = kind;
  return plan.arenas.size() - 1;
}

uint32_t PlanWriter::buffer(uint32_t arena, const std::string &name,
                            fb::DType type, uint64_t elements) {
  auto buffer = std::make_unique<fb::BufferT>();
  uint64_t &end = plan.arenas[arena]->bytes;
  buffer->name = name;
  buffer->arena = arena;
  buffer->offset = (end + plan::kBufferAlignment - 1) / plan::kBufferAlignment *
                   plan::kBufferAlignment;
  buffer->bytes = elements * elementBytes(type);
  buffer->dtype = type;
  end = buffer->offset + buffer->bytes;
  plan.buffers.push_back(std::move(buffer));
  return plan.buffers.size() - 1;
}

fb::Range PlanWriter::range(uint64_t elements, uint64_t targetOffset) {
  fb::Range range(0, kHeaderBytes + weights.size(), targetOffset, elements * 2);
  for (uint64_t i = 0; i < elements; ++i) {
    // bf16 between 0.25 and 1 in size, of either sign.
    random = random * 1664525 + 1013904223;
    uint16_t bits = uint16_t(0x3e80 | (random >> 24) | (random >> 8 & 0x8000));
    weights.push_back(char(bits & 0xff));
    weights.push_back(char(bits >> 8));
  }
  return range;
}

uint32_t PlanWriter::source(const std::string &tensor,
                            std::vector<fb::Range> ranges) {
  auto source = std::make_unique<fb::SourceT>();
  source->tensor = tensor;
  source->ranges = std::move(ranges);
  plan.sources.push_back(std::move(source));
  return plan.sources.size() - 1;
}

void PlanWriter::fetch(const std::string &tensor, std::vector<fb::Range> ranges,
                       uint32_t target) {
  auto instruction = std::make_unique<fb::InstructionT>();
  instruction->stream = fb::StreamKind::Demand;
  fb::FetchT fetch;
  fetch.source = source(tensor, std::move(ranges));
  fetch.target = target;
  instruction->operation.Set(std::move(fetch));
  plan.load->instructions.push_back(std::move(instruction));
}

uint32_t PlanWriter::weight(uint32_t arena, const std::string &name,
                            uint64_t elements) {
  uint32_t target = buffer(arena, name, fb::DType::BF16, elements);
  fetch(name, {range(elements, 0)}, target);
  return target;
}

std::string PlanWriter::finish() {
  std::string json = "{\"w\":{\"dtype\":\"U8\",\"shape\":[" +
                     std::to_string(weights.size()) + "],\"data_offsets\":[0," +
                     std::to_string(weights.size()) + "]}}";
  json.resize(kHeaderBytes - 8, ' ');
  std::string file(8, '\0');
  file[0] = char(json.size());
  file += json;
  uint64_t hash = hash64(file);
  file += weights;
  auto entry = std::make_unique<fb::FileT>();
  entry->path = "model.safetensors";
  entry->bytes = file.size();
  entry->header_hash = hash;
  plan.files.push_back(std::move(entry));
  sealFingerprint(plan);
  return file;
}

uint64_t EntryWriter::most(fb::RowKind rows) const {
  return rows == fb::RowKind::Rows        ? entry.max_rows
         : rows == fb::RowKind::LogitRows ? entry.max_logit_rows
                                          : 1;
}

void EntryWriter::launch(Kernel kernel, std::vector<uint32_t> operands,
                         std::vector<int64_t> dims, std::vector<float> scalars,
                         fb::RowKind rows) {
  fb::LaunchT launch;
  launch.kernel = static_cast<fb::Kernel>(kernel);
  launch.rows = rows;
  launch.operands = std::move(operands);
  launch.dims = std::move(dims);
  launch.scalars = std::move(scalars);
  add(fb::StreamKind::Compute, std::move(launch));
}

void EntryWriter::copy(fb::StreamKind stream, uint32_t source, uint32_t target,
                       fb::RowKind rows, uint64_t bytes, bool recording) {
  fb::CopyT copy;
  copy.source = source;
  copy.target = target;
  copy.rows = rows;
  copy.bytes = bytes;
  copy.recording = recording;
  add(stream, std::move(copy));
}

uint32_t EntryWriter::record(fb::StreamKind stream) {
  fb::RecordT record;
  record.event = entry.events;
  add(stream, std::move(record));
  return entry.events++;
}

void EntryWriter::order(fb::StreamKind before, fb::StreamKind after) {
  fb::WaitT wait;
  wait.event = record(before);
  add(after, std::move(wait));
}

uint32_t EntryWriter::input(uint32_t io, uint32_t workspace, fb::Role role,
                            fb::RowKind rows, uint64_t elements) {
  std::string name = entry.name + "." + fb::EnumNameRole(role);
  auto port = std::make_unique<fb::PortT>();
  port->role = role;
  port->buffer = writer.buffer(io, name, fb::DType::I32, elements * most(rows));
  uint32_t device = writer.buffer(workspace, name + ".device", fb::DType::I32,
                                  elements * most(rows));
  copy(fb::StreamKind::Demand, port->buffer, device, rows,
       elements * sizeof(int32_t));
  entry.inputs.push_back(std::move(port));
  return device;
}

void EntryWriter::output(uint32_t io, uint32_t source, fb::Role role,
                         uint32_t layer, fb::RowKind rows, uint64_t elements) {
  auto port = std::make_unique<fb::PortT>();
  port->role = role;
  port->layer = layer;
  std::string name = entry.name + "." + fb::EnumNameRole(role);
  if (layer > 0)
    name += "." + std::to_string(layer);
  port->buffer = writer.buffer(io, name, writer.plan.buffers[source]->dtype,
                               elements * most(rows));
  copy(fb::StreamKind::CopyBack, source, port->buffer, rows, elements * 4,
       role != fb::Role::Logits);
  entry.outputs.push_back(std::move(port));
}

} // namespace sluice::testing
