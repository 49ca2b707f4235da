//===- PlanSyntax.cpp - Custom syntax of plan ops -------------------------===//
//
// What TableGen's assembly formats cannot say: kernels' operands with gaps and
// dims by name, and ranges of files.
//
//===----------------------------------------------------------------------===//

#include "dialects/plan/PlanIr.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

namespace sluice::planir {

static ParseResult parseRanges(OpAsmParser &parser,
                               SmallVector<int64_t> &ranges) {
  auto parseNumber = [&] { return parser.parseInteger(ranges.emplace_back()); };
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, [&] {
    SMLoc location = parser.getCurrentLocation();
    size_t before = ranges.size();
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square,
                                       parseNumber))
      return ParseResult(failure());
    if (ranges.size() != before + 4)
      return ParseResult(parser.emitError(
          location, "expected [file, source offset, target offset, bytes]"));
    return ParseResult(success());
  });
}

static void printRanges(OpAsmPrinter &printer, Operation *,
                        ArrayRef<int64_t> ranges) {
  printer << '[';
  for (size_t i = 0; i < ranges.size(); i += 4) {
    printer << (i ? ", [" : "[");
    llvm::interleaveComma(
        ranges.slice(i, std::min<size_t>(4, ranges.size() - i)), printer);
    printer << ']';
  }
  printer << ']';
}

static ParseResult
parseCall(OpAsmParser &parser, std::string &kernel,
          SmallVectorImpl<OpAsmParser::UnresolvedOperand> &buffers,
          int64_t &present, SmallVector<int64_t> &dims,
          DenseF32ArrayAttr &scalars) {
  SMLoc location = parser.getCurrentLocation();
  if (parser.parseKeywordOrString(&kernel))
    return failure();
  const Signature *signature = findSignature(std::string_view(kernel));
  if (!signature)
    return parser.emitError(location) << "'" << kernel << "' is no kernel";
  present = 0;
  int index = 0;
  auto parseOperand = [&]() -> ParseResult {
    if (index >= KernelArgs::kMaxOperands)
      return parser.emitError(parser.getCurrentLocation(), "too many operands");
    if (succeeded(parser.parseOptionalKeyword("none"))) {
      ++index;
      return success();
    }
    present |= int64_t{1} << index++;
    return parser.parseOperand(buffers.emplace_back());
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                     parseOperand) ||
      parser.parseLBrace())
    return failure();
  bool first = true;
  auto parseName = [&](StringRef name) -> ParseResult {
    if (!first && parser.parseComma())
      return failure();
    first = false;
    return failure(parser.parseKeyword(name) || parser.parseEqual());
  };
  for (const char *name : signature->dims)
    if (parseName(name) || parser.parseInteger(dims.emplace_back()))
      return failure();
  SmallVector<float> values;
  for (const char *name : signature->scalars) {
    double value;
    if (parseName(name) || parser.parseFloat(value))
      return failure();
    values.push_back(static_cast<float>(value));
  }
  scalars = DenseF32ArrayAttr::get(parser.getContext(), values);
  return parser.parseRBrace();
}

static void printCall(OpAsmPrinter &printer, LaunchOp launch, StringRef kernel,
                      OperandRange, int64_t, ArrayRef<int64_t> dims,
                      DenseF32ArrayAttr scalars) {
  printer << kernel << '(';
  llvm::interleaveComma(launch.getSignatureOperands(), printer,
                        [&](Value operand) {
                          if (operand)
                            printer << operand;
                          else
                            printer << "none";
                        });
  printer << ") {";
  const Signature *signature = findSignature(std::string_view(kernel));
  StringRef separator = "";
  for (auto [index, value] : llvm::enumerate(dims)) {
    bool named = signature && index < signature->dims.size();
    printer << separator << (named ? signature->dims[index] : "dim") << " = "
            << value;
    separator = ", ";
  }
  for (auto [index, value] : llvm::enumerate(scalars.asArrayRef())) {
    bool named = signature && index < signature->scalars.size();
    printer << separator << (named ? signature->scalars[index] : "scalar")
            << " = ";
    printer.printFloat(llvm::APFloat(value));
    separator = ", ";
  }
  printer << '}';
}

} // namespace sluice::planir

#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.cpp.inc"
