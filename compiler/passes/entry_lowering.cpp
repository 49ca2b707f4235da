//===- entry_lowering.cpp - Ports, names and rules of an entry ------------===//

#include "compiler/passes/entry_lowering.h"

#include "compiler/pipeline/options.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

int64_t limitOf(func::FuncOp function, StringRef name) {
  auto limit = function->getAttrOfType<IntegerAttr>(name);
  return limit ? limit.getInt() : 0;
}

/// The innermost name of a location.
StringRef nameOf(Location loc) {
  StringRef name;
  loc->walk([&](Location inner) {
    auto named = dyn_cast<NameLoc>(inner);
    if (!named)
      return WalkResult::advance();
    name = named.getName().getValue();
    return WalkResult::interrupt();
  });
  return name;
}

} // namespace

EntryLowering::EntryLowering(PlanBuilder &plan, func::FuncOp function,
                             bool portable)
    : plan(plan), function(function), portable(portable),
      builder(function->getContext()), loc(function.getLoc()) {}

std::string EntryLowering::place() {
  StringRef name = nameOf(loc);
  return (function.getSymName() + "." + (name.empty() ? "value" : name)).str();
}

bool EntryLowering::wide(Rows rows) {
  return !portable && entry.getLimit(rows) > CompileOptions::kPortableRows;
}

Value EntryLowering::workspace(const Twine &name, int64_t elements, Type dtype,
                               Rows rows) {
  int64_t size = dtype.getIntOrFloatBitWidth() / 8;
  return plan.buffer(ArenaId::Workspace, name,
                     saturatingBytes({elements, size, entry.getLimit(rows)}),
                     dtype, loc);
}

Value EntryLowering::result(Value value, Rows rows, const char *suffix) {
  auto type = cast<RankedTensorType>(value.getType());
  Value buffer = workspace(place() + suffix, type.getDimSize(1),
                           type.getElementType(), rows);
  tensors[value] = {buffer, rows};
  return buffer;
}

void EntryLowering::launch(const char *kernel, ArrayRef<Value> operands,
                           ArrayRef<int64_t> dims, Rows rows,
                           ArrayRef<float> scalars, bool tensorCores) {
  LaunchOp::create(builder, loc, kernel, operands, dims, scalars, rows,
                   tensorCores ? Class::Tensor : Class::Portable);
}

LogicalResult EntryLowering::run() {
  int64_t maxRows = limitOf(function, llm::kMaxRows);
  int64_t maxLogitRows = limitOf(function, llm::kMaxLogitRows);
  if (!llvm::hasSingleElement(function.getBody()) ||
      !isa<func::ReturnOp>(function.getBody().front().getTerminator()))
    return function.emitError("needs a body of one block that returns");
  builder.setInsertionPointToEnd(
      function->getParentOfType<ModuleOp>().getBody());
  entry = EntryOp::create(builder, loc, function.getSymName(), maxRows,
                          maxLogitRows);
  builder.setInsertionPointToStart(&entry.getBody().emplaceBlock());

  auto end = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [index, value] : llvm::enumerate(end.getOperands()))
    returned[value].push_back(index);
  if (failed(lowerInputs()))
    return failure();
  auto flush = [&] {
    for (Value value : postponed)
      if (failed(lowerOutputs(value)))
        return failure();
    postponed.clear();
    return success();
  };
  moving = !function.getBody().front().getOps<expert::FetchOp>().empty();
  for (Operation &op : function.getBody().front().without_terminator()) {
    loc = op.getLoc();
    if (failed(lower(&op)))
      return failure();
    // Behind the demand, the host's wait orders these copies: no event is
    // needed, and nothing comes between the router and the copy of its ids.
    bool routing =
        moving && isa<llm::RouteOp, llm::TopKOp, llm::AddNormRouteOp>(op);
    for (Value value : op.getResults())
      if (routing)
        postponed.push_back(value);
      else if (failed(lowerOutputs(value)))
        return failure();
    if (isa<expert::DemandOp>(op) && failed(flush()))
      return failure();
  }
  return flush();
}

Rows EntryLowering::rowsOf(Value value) {
  if (isa<expert::SetType, expert::OutputsType>(value.getType())) {
    expert::DemandOp demand = expert::demandOf(value);
    return demand ? tensor(demand.getIds()).rows : Rows::Fixed;
  }
  return tensor(value).rows;
}

LogicalResult EntryLowering::lowerInputs() {
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto attribute = function.getArgAttrOfType<StringAttr>(index, llm::kRole);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!attribute || !type)
      return function.emitError()
             << "argument " << index << " has no " << llm::kRole;
    Role role = *symbolizeRole(attribute.getValue());
    Rows rows = role == Role::PageTable     ? Rows::Fixed
                : role == Role::LogitRowIds ? Rows::LogitRows
                                            : Rows::Rows;
    if (rows == Rows::Fixed && !type.hasStaticShape())
      return function.emitError()
             << "argument " << index << " has a dynamic shape";
    int64_t bytes = 4;
    if (rows == Rows::Fixed)
      for (int64_t size : type.getShape())
        bytes = saturatingBytes({bytes, size});
    auto name = (function.getSymName() + "." + attribute.getValue()).str();
    Type dtype = type.getElementType();
    int64_t total = saturatingBytes({bytes, entry.getLimit(rows)});
    Value host = plan.buffer(ArenaId::Io, name + ".host", total, dtype, loc);
    InputOp::create(builder, loc, role, 0, host);
    if (argument.use_empty())
      continue;
    Value device = plan.buffer(ArenaId::Workspace, name, total, dtype, loc);
    CopyOp::create(builder, loc, host, device, rows, bytes,
                   /*recording=*/false, Stream::Compute);
    tensors[argument] = {device, rows};
    if (failed(lowerOutputs(argument)))
      return failure();
  }
  return success();
}

LogicalResult EntryLowering::lowerOutputs(Value value) {
  auto found = returned.find(value);
  if (found == returned.end())
    return success();
  Tensor from = tensor(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!from.buffer || !type || type.getRank() != 2)
    return function.emitError()
           << "result " << found->second.front() << " is a " << value.getType()
           << ", expected a tensor of two dims";
  for (unsigned index : found->second) {
    auto attribute =
        function.getResultAttrOfType<StringAttr>(index, llm::kRole);
    auto layer = function.getResultAttrOfType<IntegerAttr>(index, llm::kLayer);
    Role role = attribute ? *symbolizeRole(attribute.getValue()) : Role::Logits;
    std::string name =
        (function.getSymName() + "." + stringifyRole(role)).str();
    if (layer)
      name += std::to_string(layer.getInt());
    int64_t bytes = saturatingBytes({4, type.getDimSize(1)});
    Value host =
        plan.buffer(ArenaId::Io, name + ".host",
                    saturatingBytes({bytes, entry.getLimit(from.rows)}),
                    type.getElementType(), loc);
    OutputOp::create(builder, loc, role, layer ? layer.getInt() : 0, host);
    CopyOp::create(builder, loc, from.buffer, host, from.rows, bytes,
                   /*recording=*/role != Role::Logits, Stream::Compute);
  }
  return success();
}

LogicalResult EntryLowering::checkRows(Operation *op) {
  if (isa<llm::SelectRowsOp>(op))
    return success();
  Rows common = Rows::Fixed;
  for (Value operand : op->getOperands()) {
    Rows rows = rowsOf(operand);
    if (rows == Rows::Fixed)
      continue;
    if (common != Rows::Fixed && rows != common)
      return op->emitError("mixes the rows of the step with those of its "
                           "logits: expected llm.select_rows between them");
    common = rows;
  }
  return success();
}

LogicalResult EntryLowering::lower(Operation *op) {
  if (failed(checkRows(op)) || failed(checkExperts(op)))
    return failure();
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<llm::EmbedOp, llm::LinearOp, llm::LinearGroupOp, llm::RmsNormOp,
            llm::AddOp, llm::AddRmsNormOp, llm::AddNormRouteOp, llm::RopeOp,
            llm::KvWriteOp, llm::QkNormRopeWriteOp, llm::AttentionOp,
            llm::SoftmaxOp, llm::SwigluOp, llm::SelectRowsOp, expert::DemandOp,
            expert::RunOp, expert::CombineOp, expert::SplitOp, expert::FetchOp,
            expert::RunHostOp, expert::ReleaseOp, expert::PrefetchOp>(
          [&](auto known) {
            lower(known);
            return success();
          })
      .Case([&](llm::TopKOp choice) {
        lowerChoice(choice, "top_k");
        return success();
      })
      .Case([&](llm::RouteOp choice) {
        lowerChoice(choice, "route");
        return success();
      })
      // Where a layer's experts are is known from the pin; what moves is
      // awaited by the run, and what is predicted by the prefetch.
      .Case<expert::ResidentOp, expert::AwaitOp, expert::PredictOp>(
          [](auto) { return success(); })
      .Default([](Operation *other) {
        return other->emitError("has no kernel to be lowered to");
      });
}

} // namespace sluice
