//===- nfc.h - Canonical composition ----------------------------*- C++ -*-===//
#pragma once

#include <string>
#include <string_view>

namespace sluice::text {

/// Unicode's NFC of valid UTF-8, as Hugging Face tokenizers give it (see
/// inertInNfc). Time n log n at worst: a long run of marks is sorted, not
/// exchanged one by one.
std::string toNfc(std::string_view validText);

} // namespace sluice::text
