//===- PlanIr.cpp - The plan dialect --------------------------------------===//

#include "dialects/plan/PlanIr.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/plan/PlanOpsDialect.cpp.inc"
#include "dialects/plan/PlanOpsEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/plan/PlanOpsTypes.cpp.inc"

namespace sluice::planir {

void PlanDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/plan/PlanOpsTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/plan/PlanOps.cpp.inc"
      >();
}

std::optional<DType> toDType(Type type) {
  if (type.isBF16())
    return DType::BF16;
  if (type.isF16())
    return DType::F16;
  if (type.isF32())
    return DType::F32;
  if (type.isSignlessInteger(32))
    return DType::I32;
  return std::nullopt;
}

} // namespace sluice::planir
