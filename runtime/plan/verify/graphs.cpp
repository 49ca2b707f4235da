//===- graphs.cpp - Instructions that are captured together ---------------===//

#include "runtime/plan/verify/entry.h"

namespace sluice::plan {

/// Inside a graph there is only what a capture of one stream can hold, and what
/// is the same every time.
Status EntryVerifier::verifyGraphMember(const fb::Instruction &instruction) {
  if (openGraph == kNoGraph)
    return Status::ok();
  fb::StreamKind stream = entry.instructions()->Get(openGraph)->stream();
  std::string graph = "graph " + std::to_string(graphs - 1);
  if (instruction.stream() != stream)
    return context.fail(
        where, std::string("on ") +
                   fb::EnumNameStreamKind(instruction.stream()) + " inside " +
                   graph + ", expected " + fb::EnumNameStreamKind(stream));
  const fb::Copy *copy = instruction.operation_as_Copy();
  if (copy && copy->recording())
    return context.fail(where, "a recording copy inside " + graph +
                                   ", expected one that always runs");
  if (copy || instruction.operation_type() == fb::Operation::Launch ||
      instruction.operation_type() == fb::Operation::GraphEnd)
    return Status::ok();
  return context.fail(where,
                      "inside " + graph + ", expected launches and copies");
}

Status EntryVerifier::verifyGraphBegin(const fb::GraphBegin &begin) {
  if (isLoad)
    return context.fail(
        where, "a graph, expected only data movement in the load entry");
  if (begin.graph() != graphs)
    return context.fail(
        where, "graph " + expected(begin.graph(), std::to_string(graphs) +
                                                      ", the next number"));
  openGraph = current;
  ++graphs;
  return Status::ok();
}

Status EntryVerifier::verifyGraphEnd(const fb::GraphEnd &end) {
  if (openGraph == kNoGraph)
    return context.fail(where, "ends graph " + std::to_string(end.graph()) +
                                   ", expected a graph.begin before");
  if (end.graph() != graphs - 1)
    return context.fail(
        where, "graph " + expected(end.graph(), std::to_string(graphs - 1) +
                                                    ", which is open"));
  openGraph = kNoGraph;
  return Status::ok();
}

} // namespace sluice::plan
