#!/usr/bin/env python3
"""Writes data/: what Hugging Face `tokenizers` makes of strings and ids, for the C++ tests.

    python3 tests/runtime/text/make_oracle.py        # needs: pip install tokenizers

Three small tokenizers are trained here, each with other options than the demo model's; then
all four encode every string and decode random ids. Sweeps over all of Unicode are kept as
checksums. Seeds are fixed: the same version of `tokenizers` writes the same files.
"""

import base64
import json
import os
import random
import struct
import zlib

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import strings

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
DEMO = os.path.join(HERE, "..", "..", "..", "models", "demo", "target", "tokenizer.json")

LLAMA_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CASED_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}| ?[\p{P}\p{S}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CJK_PATTERN = "[一-龥\u3040-ゟ゠-ヿ]+"


def flags(content, **given):
    flag = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return dict(content=content, **{**flag, **given})


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return dict(type="Split", pattern={kind: pattern}, behavior=behavior, invert=invert)


def byte_level(use_regex=False):
    return dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=use_regex)


def build(texts, vocab_size, splits, normalizer, merges_as_strings, added, alphabet=True, words=(), **model):
    """A tokenizer.json: merges are trained on `texts`, `words` are tokens that no merge makes."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else []))
    stored = json.loads(trained.to_str())
    vocab = stored["model"]["vocab"]
    for word in words:
        vocab.setdefault(word, len(vocab))
    stored["model"].update(model)
    if merges_as_strings:
        stored["model"]["merges"] = [" ".join(pair) for pair in stored["model"]["merges"]]
    last = splits.pop() if splits[-1].get("type") == "ByteLevel" else byte_level()
    stored["pre_tokenizer"] = dict(type="Sequence", pretokenizers=splits + [last]) if splits else last
    stored["normalizer"] = normalizer
    stored["decoder"] = byte_level()
    next_id = len(vocab)
    for token in added:
        if token["content"] in vocab:
            token["id"] = vocab[token["content"]]
        else:
            token["id"], next_id = next_id, next_id + 1
    stored["added_tokens"] = added
    return stored


def small_tokenizers():
    texts = strings.training_texts()
    special = dict(special=True)
    yield "llama", build(
        texts, 500, [split(LLAMA_PATTERN)], None, True,
        [flags("<|begin|>", **special), flags("<|eot|>", lstrip=True, **special), flags("<tool>", rstrip=True),
         flags("<mask>", lstrip=True, rstrip=True, **special), flags("word", single_word=True),
         flags("<|eot|><|eot|>", **special), flags("<|", single_word=True)],
        words=["Ġbelirtilen", "belirtilen", "ĠĠĠĠĠ", "123", "na\u00c3\u00afve"], ignore_merges=True)
    yield "normalized", build(
        texts, 450, [byte_level(use_regex=True)], dict(type="Sequence", normalizers=[dict(type="NFC")]), False,
        [flags("e\u0301t\u00e9", normalized=True), flags("\u00e9t\u00e9", normalized=False),
         flags("<sep>", normalized=True, lstrip=True, rstrip=True, **special), flags("the", normalized=True, single_word=True),
         flags("<|im_start|>", **special), flags("the end", normalized=True), flags("\u212b", normalized=True)],
        alphabet=False)
    yield "cased", build(
        texts, 520, [split("\\p{N}{1,3}"), split(CJK_PATTERN), split(CASED_PATTERN, "Removed", True),
                     split("--", kind="String"), split("_", "Removed")], None, False,
        [flags("<think>"), flags("</think>"), flags("<|im_start|>", **special), flags("<|im_end|>", **special)],
        words=["ĠHello", "日本語"])


def crc_of_ids(tokenizer, texts):
    crc = 0
    for encoding in tokenizer.encode_batch(texts):
        crc = zlib.crc32(struct.pack(f"<{len(encoding.ids)}i", *encoding.ids), crc)
    return crc


def swept_points():
    """All code points where scripts are dense, samples of ideographs, syllables and empty planes."""
    blocks = [(0, 0x3400, 1), (0x3400, 0xA000, 16), (0xA000, 0xAC00, 1), (0xAC00, 0xD7A4, 16), (0xD7A4, 0xD800, 1), (0xE000, 0xF900, 64),
              (0xF900, 0x13500, 1), (0x13500, 0x16000, 16), (0x16000, 0x17000, 1), (0x17000, 0x18B00, 16), (0x18B00, 0x20000, 1),
              (0x20000, 0x32400, 4), (0x32400, 0xE0000, 256), (0xE0000, 0xE0200, 1), (0xE0200, 0x110000, 256)]
    return [point for first, end, step in blocks for point in range(first, end, step)]


def sweep(tokenizer):
    """Code points in contexts that show letters, numbers, spaces, marks and words: a checksum of
    the ids for each 1024 of them, 16 in a text."""
    points = swept_points()
    lines = [f"a{c}1 {c}b'{c}{c} word{c}e{c}\u0316\u0301{c}" for c in map(chr, points)]
    texts = ["\n".join(lines[i:i + 16]) for i in range(0, len(lines), 16)]
    return points[::1024], [crc_of_ids(tokenizer, texts[i:i + 64]) for i in range(0, len(texts), 64)]


def main():
    os.makedirs(DATA, exist_ok=True)
    cases = strings.all_strings()
    assert len(cases) >= 2000 and len(cases) == len(set(cases))
    texts = [raw.decode("utf-8", errors="replace") for raw in cases]
    with open(os.path.join(DATA, "strings.json"), "w", encoding="ascii") as file:
        rows = ",\n".join(json.dumps(base64.b64encode(raw).decode()) for raw in cases)
        file.write("[\n" + rows + "\n]\n")

    paths = {"demo": DEMO}
    for name, stored in small_tokenizers():
        paths[name] = os.path.join(DATA, f"{name}.tokenizer.json")
        with open(paths[name], "w", encoding="utf-8") as file:
            json.dump(stored, file, ensure_ascii=False, separators=(",", ":"))
            file.write("\n")

    for name, path in paths.items():
        tokenizer = Tokenizer.from_file(path)
        size = tokenizer.get_vocab_size()
        rng = random.Random(f"decode {name}")
        parsed = [e.ids for e in tokenizer.encode_batch(texts)]
        tokenizer.encode_special_tokens = True
        literal = [e.ids for e in tokenizer.encode_batch(texts)]
        tokenizer.encode_special_tokens = False
        lines = []
        for text, ids, plain in zip(texts, parsed, literal):
            row = {"ids": ids}
            if plain != ids:
                row["literal"] = plain
            for key, skip in (("text", False), ("skipped", True)):
                decoded = tokenizer.decode(ids, skip_special_tokens=skip)
                if decoded != (text if key == "text" else row.get("text", text)):
                    row[key] = decoded
            lines.append(json.dumps(row, separators=(",", ":")))
        decodes = []
        for _ in range(600):
            ids = [rng.randrange(size + 3 if rng.random() < 0.02 else size) if rng.random() < 0.5 else rng.randrange(256)
                   for _ in range(rng.randrange(1, 24))]
            decodes.append(json.dumps(dict(
                ids=ids, text=tokenizer.decode(ids, skip_special_tokens=False),
                skipped=tokenizer.decode(ids, skip_special_tokens=True)), separators=(",", ":")))
        with open(os.path.join(DATA, f"{name}.oracle.json"), "w", encoding="ascii") as file:
            points, sums = sweep(tokenizer)
            file.write('{"tokenizers": "%s",\n"points": %s,\n"sweep": %s,\n' % (tokenizers.__version__, points, sums))
            file.write('"strings": [\n' + ",\n".join(lines) + '\n],\n"decode": [\n' + ",\n".join(decodes) + "\n]}\n")
        print(name, size, "tokens,", len(cases), "strings")


if __name__ == "__main__":
    main()
