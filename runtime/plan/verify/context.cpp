//===- context.cpp - What all parts of the plan verifier share ------------===//

#include "runtime/plan/verify/context.h"

namespace sluice::plan {

std::string printable(const flatbuffers::String &text) {
  constexpr size_t kLongest = 80;
  std::string line(text.c_str(), std::min<size_t>(text.size(), kLongest));
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  if (text.size() > kLongest)
    line += "...";
  return line;
}

std::string expected(uint64_t found, const std::string &what) {
  return "found " + std::to_string(found) + ", expected " + what;
}

std::string Context::describe(uint32_t index) const {
  return "buffer " + std::to_string(index) + " '" +
         printable(*buffer(index).name()) + "'";
}

Status Context::checkBuffer(const std::string &where, const char *what,
                            uint32_t index) const {
  if (index >= bufferCount())
    return fail(where, std::string(what) + " is buffer " +
                           std::to_string(index) + ", expected below " +
                           std::to_string(bufferCount()));
  if (managed[index] != kNoPool)
    return fail(where, std::string(what) + " is " + describe(index) +
                           " of expert pool " + std::to_string(managed[index]) +
                           ", expected a buffer of none");
  return Status::ok();
}

} // namespace sluice::plan
