//===- byte_alphabet.h - Bytes written as characters ------------*- C++ -*-===//
//
// Byte-level BPE writes each byte as one printable character (a space is 'Ġ'),
// so that tokens can stand in a JSON file. Sluice turns tokens into bytes when
// it loads them and works on bytes from there on.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::text {

/// The character that stands for `byte` (GPT-2's bytes_to_unicode).
uint32_t characterOfByte(uint8_t byte);
/// The byte that `character` stands for, or -1.
int byteOfCharacter(uint32_t character);

/// Turns a token of the vocabulary into its bytes. False when it has a
/// character outside of the alphabet (an added token such as "a b").
bool bytesOfToken(std::string_view token, std::string &bytes);

} // namespace sluice::text
