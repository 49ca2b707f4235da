"""Bad tokenizer.json files, met by sluice-run when it must encode text."""

import os
import shutil

from .base import Case, edit_json, make_directory, remove_file, write_file

FILE = "tokenizer.json"
MORE = {"id": 261, "content": "<|more|>", "special": True, "normalized": False}


def run_case(name, says, change):
    """A case whose tokenizer `change(folder)` breaks; sluice-run must refuse it."""

    def prepare(folder, good):
        model = os.path.join(folder, "model")
        shutil.copytree(good.model, model)
        change(model)
        out = os.path.join(folder, "ids.json")
        prompt = ["--prompt", "hello hello", "--max-tokens", "2"]
        return [good.plan, "--model", model, "--backend", "cpu", *prompt, "--ids-out", out]

    return Case(f"tokenizer: {name}", "sluice-run", prepare, says, output="ids.json")


def edited(edit):
    """A change that applies `edit` to tokenizer.json."""
    return edit_json(FILE, edit)


def model_edit(**values):
    """A change that sets keys of the model; `...` removes one."""

    def edit(tokenizer):
        for key, value in values.items():
            if value is ...:
                del tokenizer["model"][key]
            else:
                tokenizer["model"][key] = value

    return edited(edit)


def vocab_edit(word, index):
    """A change that sets one entry of the vocabulary."""
    return edited(lambda t: t["model"]["vocab"].__setitem__(word, index))


def merge(value):
    """A change that adds one merge."""
    return edited(lambda t: t["model"]["merges"].append(value))


def added(**values):
    """A change that adds a token, broken by `values`; `...` removes a field."""
    token = {key: value for key, value in (MORE | values).items() if value is not ...}
    return edited(lambda t: t["added_tokens"].append(token))


def pattern(text):
    """A change of the split pattern."""

    def edit(tokenizer):
        tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": text}

    return edited(edit)


FILES = {
    "missing": remove_file(FILE),
    "empty": write_file(FILE, ""),
    "no JSON": write_file(FILE, "hello"),
    "an array": write_file(FILE, "[1]"),
    "nested 100,000 deep": write_file(FILE, "[" * 100_000),
    "bad UTF-8": write_file(FILE, b'{"model": {"vocab": {"\xff": 0}}}'),
    "the same word twice": write_file(FILE, '{"model": {"vocab": {"a": 0, "a": 1}}}'),
    "a directory": make_directory(FILE),
}
PARTS = {
    "no model": ("model", edited(lambda t: t.pop("model") and None)),
    "another kind of model": ("Unigram", model_edit(type="Unigram")),
    "no vocabulary": ("vocab", model_edit(vocab=...)),
    "vocabulary is an array": ("vocab", model_edit(vocab=["a", "b"])),
    "empty vocabulary": (FILE, model_edit(vocab={}, merges=[])),
    "negative id": ("vocab", vocab_edit("hello", -1)),
    "fractional id": ("vocab", vocab_edit("hello", 259.5)),
    "id is a string": ("vocab", vocab_edit("hello", "259")),
    "id beyond the model": ("300", vocab_edit("zz", 300)),
    "id of 2^63": ("vocab", vocab_edit("zz", 1 << 63)),
    "an id twice": ("258", vocab_edit("zz", 258)),
    "byte fallback": ("byte_fallback", model_edit(byte_fallback=True)),
    "dropout": ("dropout", model_edit(dropout=0.5)),
    "no merges": ("merges", model_edit(merges=...)),
    "merges are an object": ("merges", model_edit(merges={})),
    "merge of unknown tokens": ("merges", merge(["qq", "zz"])),
    "merge whose result is unknown": ("merges", merge(["q", "z"])),
    "merge of one part": ("merges", merge(["h"])),
    "merge of three parts": ("merges", merge(["h", "e", "l"])),
    "merge without a space": ("merges", merge("he")),
    "merge is a number": ("merges", merge(7)),
    "added tokens are an object": ("added_tokens", edited(lambda t: t.update(added_tokens={}))),
    "added token without id": ("added_tokens", added(id=...)),
    "added token without content": ("added_tokens", added(content=...)),
    "added token with no text": ("added_tokens", added(content="")),
    "added token with a negative id": ("added_tokens", added(id=-1)),
    "added token beyond the model": ("added_tokens", added(id=300)),
    "added token of an id that is taken": ("258", added(id=258)),
    "added token twice": ("added_tokens", added(content="<|end|>")),
    "unknown normalizer": ("normalizer", edited(lambda t: t.update(normalizer={"type": "Rot13"}))),
    "unknown pre-tokenizer": (
        "pre_tokenizer",
        edited(lambda t: t.update(pre_tokenizer={"type": "Metaspace"})),
    ),
    "unknown decoder": ("decoder", edited(lambda t: t.update(decoder={"type": "WordPiece"}))),
    "no decoder": ("decoder", edited(lambda t: t.pop("decoder") and None)),
    "pattern that does not close": ("pattern", pattern("(((")),
    "pattern of nested sets": ("pattern", pattern("[a-z&&[^aeiou]]")),
    "pattern that matches nothing": ("pattern", pattern("a*")),
    "pattern is a number": ("pattern", pattern(5)),
}


def cases():
    """All of them."""
    for name, change in FILES.items():
        yield run_case(name, FILE, change)
    for name, (says, change) in PARTS.items():
        yield run_case(name, says, change)
