"""Bad flags, bad prompts and budgets that nothing fits."""

import os

from .base import VOCAB, Case

COMPILE_FLAGS = {
    "unknown flag": ("--no-such-flag", ["--no-such-flag"]),
    "batch of none": ("--batch", ["--batch", "0"]),
    "negative batch": ("--batch", ["--batch=-1"]),
    "batch in words": ("--batch", ["--batch", "eight"]),
    "huge batch": ("--batch", ["--batch", "99999999999999999999"]),
    "no tokens": ("--max-seq", ["--max-seq", "0"]),
    "unknown activations": ("activations", ["--activations", "int8"]),
    "unknown stage": ("emit", ["--emit", "banana"]),
    "unknown arithmetic": ("arithmetic", ["--arithmetic", "fast"]),
    "unknown unit": ("--gpu-memory", ["--gpu-memory", "12 parsecs"]),
    "negative budget": ("--gpu-memory", ["--gpu-memory=-1GiB"]),
    "overflowing budget": ("--gpu-memory", ["--gpu-memory", "99999999999999GiB"]),
    "unknown pass": ("no-such-pass", ["--disable-pass", "no-such-pass"]),
    "absurd batch": ("batch", ["--batch", "4000000000"]),
}
# Well formed, but not for this model: exit code 1.
COMPILE_LIMITS = {
    "longer than the model": ("max-seq", ["--max-seq", "4096"]),
    "budget that nothing fits": ("budget", ["--gpu-memory", "10KiB"]),
}
RUN_FLAGS = {
    "no prompt": ("--prompt", []),
    "two kinds of prompt": ("prompt", ["--prompt", "hello", "--prompt-ids", "x.json"]),
    "unknown flag": ("--no-such-flag", ["--prompt", "hello", "--no-such-flag"]),
    "unknown backend": ("backend", ["--prompt", "hello", "--backend", "abacus"]),
    "negative temperature": ("temperature", ["--prompt", "hello", "--temperature=-1"]),
    "temperature is no number": ("temperature", ["--prompt", "hello", "--temperature", "nan"]),
    "infinite temperature": ("temperature", ["--prompt", "hello", "--temperature", "inf"]),
    "top-p over one": ("top-p", ["--prompt", "hello", "--top-p", "1.5"]),
    "top-p below zero": ("top-p", ["--prompt", "hello", "--top-p=-0.5"]),
    "min-p over one": ("min-p", ["--prompt", "hello", "--min-p", "7"]),
    "negative top-k": ("top-k", ["--prompt", "hello", "--top-k=-1"]),
    "negative number of tokens": ("max-tokens", ["--prompt", "hello", "--max-tokens=-5"]),
    "seed in words": ("seed", ["--prompt", "hello", "--seed", "lucky"]),
    "figures of a chat": ("--metrics excludes --chat", ["--chat", "--metrics", "x"]),
    "routing of a chat": ("--record-routing", ["--chat", "--record-routing", "x"]),
    "ids of a chat": ("--ids-out", ["--chat", "--ids-out", "x"]),
    "logits of a chat": ("--logits-out", ["--chat", "--logits-out", "x"]),
    "system message of a prompt": ("--system requires", ["--prompt", "hello", "--system", "x"]),
    "thinking of a prompt": ("--chat", ["--prompt", "hello", "--no-thinking"]),
}
PROMPT_IDS = {
    "empty file": ("", "ids.json"),
    "no JSON": ("1 2 3", "ids.json"),
    "an object": ('{"ids": [1]}', "ids.json"),
    "a number": ("7", "ids.json"),
    "no tokens": ("[]", "ids.json"),
    "an empty prompt": ("[[1, 2], []]", "prompt"),
    "token beyond the vocabulary": (f"[1, {VOCAB}]", str(VOCAB)),
    "huge token": ("[1, 18446744073709551615]", "ids.json"),
    "negative token": ("[1, -1]", "-1"),
    "fractional token": ("[1.5]", "1.5"),
    "token is a string": ('["1"]', "ids.json"),
    "ids and prompts mixed": ("[1, [2]]", "ids.json"),
    "too deep": ("[" * 100_000, "ids.json"),
    "longer than the plan": (str([1] * 65), "64"),
}
# Outputs that are written last are looked at first, before the plan is.
OUTPUTS = [
    *(
        ("sluice-run", flag, ["none.plan", "--prompt", "hello", flag])
        for flag in ("--ids-out", "--logits-out", "--metrics", "--record-routing", "--trace")
    ),
    ("sluice-bench", "--trace", ["none.plan", "--bubbles", "--trace"]),
    ("sluice-bench", "--trace-out", ["none.plan", "--trace-out"]),
    ("sluice-profile", "-o", ["--plan", "none.plan", "-o"]),
]


def cases():
    """All of them."""
    for name, (says, flags) in COMPILE_FLAGS.items():
        yield compile_flags(name, says, flags, 2)
    for name, (says, flags) in COMPILE_LIMITS.items():
        yield compile_flags(name, says, flags, 1)
    yield Case("usage: no model", "sluice-compile", lambda f, g: [], "model", 2)
    yield Case("usage: no output", "sluice-compile", lambda f, g: [g.model], "-o", 2)
    yield Case(
        "usage: no such model",
        "sluice-compile",
        lambda f, g: [os.path.join(f, "nothing"), "-o", os.path.join(f, "out.plan")],
        "nothing",
        output="out.plan",
    )
    yield Case(
        "usage: output in no folder",
        "sluice-compile",
        lambda f, g: [g.model, "-o", os.path.join(f, "nowhere", "out.plan")],
        "nowhere",
    )
    for name, (says, flags) in RUN_FLAGS.items():
        yield run_flags(name, says, flags)
    for tool, flag, flags in OUTPUTS:
        yield no_folder(tool, flag, flags)
    for name, (text, says) in PROMPT_IDS.items():
        yield prompt_ids(name, text, says)
    yield Case(
        "prompt ids: no file",
        "sluice-run",
        lambda f, g: [g.plan, "--prompt-ids", os.path.join(f, "none.json")],
        "none.json",
    )


def compile_flags(name, says, flags, code):
    """sluice-compile of the good model with bad flags."""

    def prepare(folder, good):
        return [good.model, "-o", os.path.join(folder, "out.plan"), *flags]

    return Case(f"usage: {name}", "sluice-compile", prepare, says, code, "out.plan")


def run_flags(name, says, flags):
    """sluice-run of the good plan with bad flags."""
    return Case(f"usage: {name}", "sluice-run", lambda f, g: [g.plan, *flags], says, 2)


def no_folder(tool, flag, flags):
    """A tool whose output has no folder; the plan does not exist either."""

    def prepare(folder, good):
        return [*flags, os.path.join(folder, "nowhere", "out")]

    return Case(f"usage: {tool} {flag} in no folder", tool, prepare, f"{flag}: ")


def prompt_ids(name, text, says):
    """sluice-run of the good plan with a bad --prompt-ids file."""

    def prepare(folder, good):
        path = os.path.join(folder, "ids.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        out = os.path.join(folder, "out.json")
        tokens = ["--max-tokens", "2", "--backend", "cpu"]
        return [good.plan, "--prompt-ids", path, *tokens, "--ids-out", out]

    return Case(f"prompt ids: {name}", "sluice-run", prepare, says, output="out.json")
