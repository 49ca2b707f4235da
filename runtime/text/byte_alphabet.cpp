//===- byte_alphabet.cpp ----------------------------------------*- C++ -*-===//
#include "runtime/text/byte_alphabet.h"
#include "runtime/text/utf8.h"

#include <array>

namespace sluice::text {
namespace {

constexpr bool isPrintable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         byte >= 0xAE;
}

struct Alphabet {
  std::array<uint16_t, 256> characters{};
  std::array<int16_t, 512> bytes{};

  // Printable Latin-1 stands for itself; the others take 256, 257, ... in
  // order.
  constexpr Alphabet() {
    bytes.fill(-1);
    uint16_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      uint16_t character =
          isPrintable(byte) ? static_cast<uint16_t>(byte) : next++;
      characters[byte] = character;
      bytes[character] = static_cast<int16_t>(byte);
    }
  }
};
constexpr Alphabet kAlphabet;

} // namespace

uint32_t characterOfByte(uint8_t byte) { return kAlphabet.characters[byte]; }

int byteOfCharacter(uint32_t character) {
  return character < kAlphabet.bytes.size() ? kAlphabet.bytes[character] : -1;
}

bool bytesOfToken(std::string_view token, std::string &bytes) {
  bytes.clear();
  while (!token.empty()) {
    Utf8Step step = stepUtf8(token);
    int byte = step.kind == Utf8Step::Valid ? byteOfCharacter(step.point) : -1;
    if (byte < 0)
      return false;
    bytes += static_cast<char>(byte);
    token.remove_prefix(step.bytes);
  }
  return true;
}

} // namespace sluice::text
