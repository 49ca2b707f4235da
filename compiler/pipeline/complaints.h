//===- complaints.h - What MLIR says went wrong -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include "mlir/IR/Diagnostics.h"

#include <string>

namespace sluice {

/// Keeps the first error that ops and passes emit while it lives; MLIR would
/// print them all.
class Complaints {
public:
  explicit Complaints(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
              first.empty())
            first = diagnostic.str();
          return mlir::success();
        }) {}

  /// `what` failed, and why.
  Status status(const char *what) const {
    return Status(ErrorCode::Internal,
                  std::string(what) + ": " +
                      (first.empty() ? "failed without a word" : first));
  }

private:
  std::string first;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace sluice
