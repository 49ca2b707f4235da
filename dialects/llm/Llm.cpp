//===- Llm.cpp - The llm dialect ------------------------------------------===//

#include "dialects/llm/Llm.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

#include "dialects/llm/LlmOpsDialect.cpp.inc"

namespace sluice::llm {

void LlmDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/llm/LlmOps.cpp.inc"
      >();
}

bool isActivationType(Type type) { return type.isBF16() || type.isF32(); }

bool isWeightType(Type type) { return isActivationType(type) || type.isF16(); }

LogicalResult LlmDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name != kMaxRows && name != kMaxLogitRows)
    return op->emitError() << "has the unknown attribute '" << name << "'";
  if (!isa<FunctionOpInterface>(op))
    return op->emitError() << "'" << name << "' belongs on a function";
  auto value = dyn_cast<IntegerAttr>(attribute.getValue());
  if (!value || !value.getType().isInteger(64) || value.getInt() < 1)
    return op->emitError() << "'" << name << "' is " << attribute.getValue()
                           << ", expected a positive i64";
  return success();
}

/// Checks `llm.role` and `llm.layer` of an argument or a result.
static LogicalResult verifyPort(Operation *op, NamedAttribute attribute,
                                ArrayRef<StringLiteral> roles) {
  StringRef name = attribute.getName();
  if (name == kRole) {
    auto role = dyn_cast<StringAttr>(attribute.getValue());
    if (role && llvm::is_contained(roles, role.getValue()))
      return success();
    InFlightDiagnostic error = op->emitError()
                               << "'" << name << "' is " << attribute.getValue()
                               << ", expected one of ";
    llvm::interleaveComma(roles, error);
    return error;
  }
  if (name == kLayer) {
    auto layer = dyn_cast<IntegerAttr>(attribute.getValue());
    if (layer && layer.getType().isInteger(64) && layer.getInt() >= 0)
      return success();
    return op->emitError() << "'" << name << "' is " << attribute.getValue()
                           << ", expected an i64 of at least 0";
  }
  return op->emitError() << "has the unknown attribute '" << name << "'";
}

LogicalResult LlmDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                   unsigned,
                                                   NamedAttribute attribute) {
  return verifyPort(op, attribute, ArrayRef(kRoles).take_front(kInputRoles));
}

LogicalResult
LlmDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return verifyPort(op, attribute, ArrayRef(kRoles).drop_front(kInputRoles));
}

} // namespace sluice::llm
