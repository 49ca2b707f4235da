#!/usr/bin/env python3
"""Writes unicode_tables.cpp: where Hugging Face tokenizers and our libraries disagree.

Hugging Face's regex engine, its NFC and PCRE2 and utf8proc come with different versions of
Unicode. This script asks all four about every code point and keeps the differences as ranges,
so that token ids agree on the newest scripts too.

    python3 runtime/text/make_unicode_tables.py > runtime/text/unicode_tables.cpp

Needs: pip install tokenizers; libpcre2-8 and libutf8proc (asked through ctypes).
"""

import ctypes
import ctypes.util

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

# General categories that a split pattern may name. PCRE2's set must be a part of Hugging Face's.
CATEGORIES = ["L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "N", "Nd", "Nl", "No", "P", "S"]
CODE_POINTS = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
PCRE2_UCP, PCRE2_UTF, PCRE2_ANCHORED = 0x00020000, 0x00080000, 0x80000000
UTF8PROC_NFC = (1 << 1) | (1 << 3)  # STABLE | COMPOSE


def pcre2_matches(pattern):
    lib = ctypes.CDLL(ctypes.util.find_library("pcre2-8"))
    lib.pcre2_compile_8.restype = ctypes.c_void_p
    lib.pcre2_match_data_create_8.restype = ctypes.c_void_p
    error, offset = ctypes.c_int(), ctypes.c_size_t()
    code = lib.pcre2_compile_8(
        pattern.encode(), ctypes.c_size_t(len(pattern)), PCRE2_UTF | PCRE2_UCP,
        ctypes.byref(error), ctypes.byref(offset), None)
    assert code, pattern
    data = lib.pcre2_match_data_create_8(ctypes.c_uint32(4), None)
    found = set()
    for point in CODE_POINTS:
        text = chr(point).encode()
        count = lib.pcre2_match_8(
            ctypes.c_void_p(code), text, ctypes.c_size_t(len(text)), ctypes.c_size_t(0),
            ctypes.c_uint32(PCRE2_ANCHORED), ctypes.c_void_p(data), None)
        if count > 0:
            found.add(point)
    return found


def hugging_face_matches(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    found = set()
    for start in range(0, len(CODE_POINTS), 4096):
        text = "".join(map(chr, CODE_POINTS[start:start + 4096]))
        for piece, _ in split.pre_tokenize_str(text):
            found.update(map(ord, piece))
    return found


def word_characters():
    """What \\w is to single_word: a token beside such a character is not found."""
    tokenizer = Tokenizer(models.BPE(vocab={"x": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("\x01", single_word=True, normalized=False)])
    token = tokenizer.token_to_id("\x01")
    texts = ["\x01" + chr(point) for point in CODE_POINTS]
    return {p for p, e in zip(CODE_POINTS, tokenizer.encode_batch(texts)) if p != 1 and token not in e.ids}


def utf8proc_nfc(text):
    lib = utf8proc_nfc.lib
    result = ctypes.POINTER(ctypes.c_ubyte)()
    raw = text.encode()
    length = lib.utf8proc_map(raw, ctypes.c_ssize_t(len(raw)), ctypes.byref(result), UTF8PROC_NFC)
    assert length >= 0
    answer = ctypes.string_at(result, length).decode()
    utf8proc_nfc.libc.free(result)
    return answer


utf8proc_nfc.lib = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
utf8proc_nfc.lib.utf8proc_map.restype = ctypes.c_ssize_t
utf8proc_nfc.libc = ctypes.CDLL(None)


def inert_in_nfc():
    """Code points that utf8proc reorders or composes and Hugging Face's older tables do not."""
    nfc = normalizers.NFC().normalize_str
    inert = set()
    for point in CODE_POINTS:
        char = chr(point)
        for text in (char, "q\u0301" + char, "q" + char + "\u0316"):
            if nfc(text) != utf8proc_nfc(text):
                inert.add(point)
    for point in CODE_POINTS:
        split = utf8proc_nfd(chr(point))
        if split != chr(point) and nfc(split) != utf8proc_nfc(split):
            inert.update((point, ord(split[-1])))
    for point in inert:  # to Hugging Face they are letters without a class or a composition
        for text in (chr(point), "q\u0301" + chr(point), "q" + chr(point) + "\u0316"):
            assert nfc(text) == text, hex(point)
    return inert


def utf8proc_nfd(text):
    lib = utf8proc_nfc.lib
    buffer = (ctypes.c_int32 * 32)()
    used = lib.utf8proc_decompose_char(
        ctypes.c_int32(ord(text)), buffer, ctypes.c_ssize_t(32), (1 << 1) | (1 << 4), None)
    return "".join(map(chr, buffer[:used]))


def ranges(points):
    answer = []
    for point in sorted(points):
        if answer and answer[-1][1] == point - 1:
            answer[-1][1] = point
        else:
            answer.append([point, point])
    return answer


def table(name, points):
    items = [f"{{0x{a:x}, 0x{b:x}}}" for a, b in ranges(points)]
    lines = [", ".join(items[i:i + 5]) for i in range(0, len(items), 5)]
    body = ",\n    ".join(lines)
    return f"const CodePointRange {name}[] = {{\n    {body}}};\n"


def main():
    print("// Written by make_unicode_tables.py with tokenizers " + tokenizers.__version__ + "; do not edit.")
    print('#include "runtime/text/unicode_tables.h"\n')
    print("// clang-format off")
    print("namespace sluice::text {\nnamespace {\n")
    rows = []
    for category in CATEGORIES:
        pattern = "\\p{%s}" % category
        ours, theirs = pcre2_matches(pattern), hugging_face_matches(pattern)
        assert ours <= theirs, category
        if theirs > ours:
            print(table("kExtra" + category, theirs - ours))
            rows.append(f'    {{"{category}", kExtra{category}}},')
        else:
            rows.append(f'    {{"{category}", {{}}}},')
    print(table("kSpaces", hugging_face_matches("\\s")))
    print(table("kWords", word_characters()))
    print(table("kInert", inert_in_nfc()))
    print("const Category kCategories[] = {\n" + "\n".join(rows) + "\n};\n")
    print("} // namespace\n")
    for function, name in (("whiteSpace", "kSpaces"), ("wordCharacters", "kWords"), ("inertInNfc", "kInert")):
        print(f"std::span<const CodePointRange> {function}() {{ return {name}; }}")
    print("std::span<const Category> categories() { return kCategories; }\n")
    print("} // namespace sluice::text")


if __name__ == "__main__":
    main()
