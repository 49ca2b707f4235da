//===- asan_options.cpp - AddressSanitizer beside libraries without -------===//
//
// LLVM's headers poison the unused part of an arena and unpoison what they give
// out, where they are compiled with AddressSanitizer. Debian's libraries are
// not: what they take from an arena that our code began would be an error. So
// commands with MLIR in them ignore such marks, which nothing of ours makes.
//
//===----------------------------------------------------------------------===//

extern "C" __attribute__((no_sanitize("address"))) const char *
__asan_default_options() {
  return "allow_user_poisoning=0";
}
