//===- status.h - Errors as values ------------------------------*- C++ -*-===//
//
// The runtime throws no exceptions: what can fail returns a Status or a
// Result<T>, and both are [[nodiscard]]. A message names the file, tensor, key
// or flag, what was found, and what was expected; it is one line.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// What kind of failure a Status carries. Tools map every kind to exit code 1.
enum class ErrorCode {
  InvalidArgument, ///< A flag or an argument of a call is out of range.
  Corrupt,         ///< A file breaks its format.
  Unsupported,     ///< The input is well formed; Sluice cannot run it.
  NotFound,        ///< A file, tensor or key is missing.
  OutOfMemory,     ///< An allocation or a memory budget was exceeded.
  Io,              ///< The operating system refused a read, write or mapping.
  Device,          ///< The GPU or its driver reported an error.
  Internal,        ///< A bug in Sluice.
};

/// Success, or an error with its message. Moving is cheap: success holds
/// nothing.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(ErrorCode code, std::string message)
      : error(std::make_unique<Error>(Error{code, std::move(message)})) {}

  static Status ok() { return Status(); }
  bool isOk() const { return !error; }
  explicit operator bool() const { return isOk(); }

  /// Only for a failed status.
  ErrorCode code() const { return error->code; }
  /// The message of a failed status, empty for success.
  std::string_view message() const {
    return error ? std::string_view(error->message) : std::string_view();
  }

private:
  struct Error {
    ErrorCode code;
    std::string message;
  };
  std::unique_ptr<Error> error;
};

/// A value, or the Status that says why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : held(std::move(value)) {}
  Result(Status status) : failure(std::move(status)) {
    assert(!failure.isOk() && "a Result without a value needs an error");
  }

  bool isOk() const { return held.has_value(); }
  explicit operator bool() const { return isOk(); }
  T &operator*() { return *held; }
  const T &operator*() const { return *held; }
  T *operator->() { return &*held; }
  const T *operator->() const { return &*held; }

  const Status &status() const { return failure; }
  Status takeStatus() { return std::move(failure); }

private:
  std::optional<T> held;
  Status failure;
};

} // namespace sluice

/// Returns the Status of `expr` from the enclosing function when it failed.
#define SLUICE_RETURN_IF_ERROR(expr)                                           \
  do {                                                                         \
    if (::sluice::Status sluiceStatus = (expr); !sluiceStatus.isOk())          \
      return sluiceStatus;                                                     \
  } while (false)

#define SLUICE_CONCAT_IMPL(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_IMPL(a, b)

/// `SLUICE_ASSIGN_OR_RETURN(auto x, f());` binds the value of a Result, or
/// returns its Status from the enclosing function.
#define SLUICE_ASSIGN_OR_RETURN(declaration, expr)                             \
  auto SLUICE_CONCAT(sluiceResult, __LINE__) = (expr);                         \
  if (!SLUICE_CONCAT(sluiceResult, __LINE__).isOk())                           \
    return SLUICE_CONCAT(sluiceResult, __LINE__).takeStatus();                 \
  declaration = std::move(*SLUICE_CONCAT(sluiceResult, __LINE__))
