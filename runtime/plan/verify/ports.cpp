//===- ports.cpp - Inputs, outputs and limits of an entry -----------------===//

#include "runtime/plan/verify/entry.h"

namespace sluice::plan {
namespace {

/// What a role asks of its buffer: an element type and a shape.
struct PortRule {
  bool input;
  fb::DType dtype;
  fb::RowKind rows;
  uint64_t elements; ///< A row, or in all for Fixed.
  bool perLayer;     ///< One a layer and optional, instead of exactly one.
};

PortRule ruleOf(fb::Role role, const fb::Model &model) {
  switch (role) {
  case fb::Role::Tokens:
  case fb::Role::Positions:
  case fb::Role::Sequences:
    return {true, fb::DType::I32, fb::RowKind::Rows, 1, false};
  case fb::Role::PageTable:
    return {true, fb::DType::I32, fb::RowKind::Fixed,
            uint64_t(model.max_sequences()) * model.pages_per_sequence(),
            false};
  case fb::Role::LogitRowIds:
    return {true, fb::DType::I32, fb::RowKind::LogitRows, 1, false};
  case fb::Role::Logits:
    return {false, fb::DType::F32, fb::RowKind::LogitRows, model.vocab(),
            false};
  case fb::Role::ExpertIds:
    return {false, fb::DType::I32, fb::RowKind::Rows, model.top_k(), true};
  case fb::Role::ExpertWeights:
    return {false, fb::DType::F32, fb::RowKind::Rows, model.top_k(), true};
  }
  return {};
}

std::string describe(const fb::Port &port) {
  return std::string(fb::EnumNameRole(port.role())) + " of layer " +
         std::to_string(port.layer());
}

} // namespace

Status EntryVerifier::verifyLimits() {
  std::string place = printable(*entry.name());
  if (isLoad)
    return entry.inputs()->size() + entry.outputs()->size() == 0
               ? Status::ok()
               : context.fail(place,
                              "found ports, expected none in the load entry");
  constexpr uint32_t kMost = 0x7fffffff;
  if (entry.max_rows() == 0 || entry.max_rows() > kMost)
    return context.fail(place, "max_rows " +
                                   expected(entry.max_rows(), "1 to 2^31 - 1"));
  if (entry.max_logit_rows() == 0 || entry.max_logit_rows() > entry.max_rows())
    return context.fail(
        place,
        "max_logit_rows " +
            expected(entry.max_logit_rows(),
                     "1 to max_rows " + std::to_string(entry.max_rows())));
  return Status::ok();
}

Status EntryVerifier::verifyPort(const fb::Port &port, bool input,
                                 const std::string &where) {
  const fb::Model &model = *context.plan.model();
  PortRule rule = ruleOf(port.role(), model);
  if (rule.input != input)
    return context.fail(where, std::string(fb::EnumNameRole(port.role())) +
                                   " found, expected an " +
                                   (input ? "input" : "output") + " role");
  uint32_t layers = rule.perLayer ? model.layers() : 1;
  if (port.layer() >= layers)
    return context.fail(
        where,
        "layer " + expected(port.layer(), "below " + std::to_string(layers)));
  SLUICE_RETURN_IF_ERROR(context.checkBuffer(where, "target", port.buffer()));
  const fb::Buffer &buffer = context.buffer(port.buffer());
  std::string what =
      describe(port) + " (" + context.describe(port.buffer()) + ")";
  if (buffer.dtype() != rule.dtype)
    return context.fail(where,
                        what + " is " + fb::EnumNameDType(buffer.dtype()) +
                            ", expected " + fb::EnumNameDType(rule.dtype));
  if (context.kind(port.buffer()) != fb::MemoryKind::Host)
    return context.fail(where,
                        what + " is in device memory, expected host memory");
  uint64_t bytes = 0;
  if (!multiply(rule.elements, mostRows(rule.rows), bytes) ||
      !multiply(bytes, byteSize(toDType(rule.dtype)), bytes) ||
      bytes > buffer.bytes())
    return context.fail(where, what + " has " + std::to_string(buffer.bytes()) +
                                   " bytes, expected at least " +
                                   std::to_string(bytes));
  return Status::ok();
}

Status EntryVerifier::verifyPorts(
    const flatbuffers::Vector<flatbuffers::Offset<fb::Port>> &ports,
    bool inputs) {
  std::string list =
      printable(*entry.name()) + (inputs ? " input " : " output ");
  std::vector<uint64_t> seen;
  std::vector<bool> taken(context.bufferCount());
  for (uint32_t i = 0; i < ports.size(); ++i) {
    const fb::Port &port = *ports[i];
    std::string place = list + std::to_string(i);
    if (port.role() > fb::Role::MAX)
      return context.fail(place,
                          "role " + expected(uint64_t(port.role()), "0 to 7"));
    SLUICE_RETURN_IF_ERROR(verifyPort(port, inputs, place));
    uint64_t key = uint64_t(port.role()) << 32 | port.layer();
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return context.fail(place,
                          describe(port) + " is there twice, expected once");
    seen.push_back(key);
    if (taken[port.buffer()] || inputPort[port.buffer()])
      return context.fail(place, context.describe(port.buffer()) +
                                     " serves two ports, expected one");
    taken[port.buffer()] = true;
    if (inputs)
      inputPort[port.buffer()] = &port;
  }
  if (isLoad)
    return Status::ok();
  for (fb::Role role : fb::EnumValuesRole()) {
    PortRule rule = ruleOf(role, *context.plan.model());
    if (rule.input == inputs && !rule.perLayer &&
        std::find(seen.begin(), seen.end(), uint64_t(role) << 32) == seen.end())
      return context.fail(printable(*entry.name()),
                          std::string("no ") + (inputs ? "input " : "output ") +
                              fb::EnumNameRole(role) +
                              ", expected exactly one");
  }
  return Status::ok();
}

Status EntryVerifier::verifyOutputsWritten() {
  for (const fb::Port *port : *entry.outputs()) {
    PortRule rule = ruleOf(port->role(), *context.plan.model());
    const OutputCopy &copy = outputCopies[port->buffer()];
    uint64_t bytes = rule.elements * byteSize(toDType(rule.dtype));
    if (!copy.found || copy.rows != rule.rows || copy.bytes != bytes ||
        (copy.recording && !rule.perLayer))
      return context.fail(
          printable(*entry.name()) + " output " + describe(*port),
          "no copy fills " + context.describe(port->buffer()) +
              ", expected one of " + std::to_string(bytes) + " bytes a row");
  }
  return Status::ok();
}

} // namespace sluice::plan
