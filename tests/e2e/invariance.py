"""Bits that must not change: with the batch, from run to run, and with a pass left out.

    python3 invariance.py --bin build/bin [--backend cuda] [--model NAME]

On the demo model and one small checkpoint of odd sizes: eight sequences of different
lengths run together and each alone, on the same plan; logits at the prompt's end and at
every decode step, and every routing weight, must be the same bits. So must two runs of
the same batch, and, on one backend, a plan for fewer sequences than there are prompts.
With each optional pass left out, the ids must be the same.
"""

import argparse
import os
import random
import re
import sys
import tempfile

from support import CHECKPOINTS, DEMO, TestFailure, Tools, generate, read_json

TOKENS, BATCH = 20, 8
MODELS = {
    "demo": os.path.join(DEMO, "target"),
    "odd_sizes": os.path.join(CHECKPOINTS, "odd_sizes"),
}


def prompts_for(model):
    """Eight different prompts of 1 to 120 tokens."""
    vocabulary = read_json(os.path.join(model, "config.json"))["vocab_size"]
    r = random.Random(11)
    lengths = (1, 2, 16, 17, 33, 64, 90, 120)
    return [[r.randrange(vocabulary) for _ in range(length)] for length in lengths]


def differences(together, alone, index):
    """Yields what of sequence `index` of one run differs from sequence 0 of another."""
    if together.ids[index] != alone.ids[0]:
        yield f"sequence {index}: other tokens"
    if together.logits[index].data != alone.logits[0].data:
        yield f"sequence {index}: other logits at the prompt's end"
    if together.steps[index].data != alone.steps[0].data:
        yield f"sequence {index}: other logits in a decode step"
    mine = {key[1]: row for key, row in together.routing.items() if key[0] == index}
    if mine != {key[1]: row for key, row in alone.routing.items()}:
        yield f"sequence {index}: other routing"


def same_run(first, second):
    """Yields what differs between two runs of one batch."""
    if first.ids != second.ids:
        yield "other tokens"
    for kind in ("logits", "steps"):
        pairs = zip(getattr(first, kind), getattr(second, kind))
        if any(a.data != b.data for a, b in pairs):
            yield f"other {kind}"
    if first.routing != second.routing:
        yield "other routing"


def optional_passes(tools):
    """The names that --disable-pass takes, as the tool itself lists them."""
    result = tools.run(
        "sluice-compile", MODELS["odd_sizes"], "-o", "/dev/null", "--disable-pass", "?"
    )
    found = re.search(r"expected one of (.*)", result.stderr)
    if not found:
        raise TestFailure(f"sluice-compile does not list its passes: {result.stderr.strip()}")
    return [name.strip() for name in found.group(1).split(",")]


def check_model(tools, model, passes, options, work):
    """Yields everything that differs for one model."""
    prompts, plan = prompts_for(model), os.path.join(work, "model.plan")
    longest = max(map(len, prompts)) + TOKENS

    def run(batch):
        return generate(tools, plan, batch, TOKENS, work, options.backend)

    tools.compile(model, plan, BATCH, longest)
    together = run(prompts)
    yield from (f"second run: {problem}" for problem in same_run(together, run(prompts)))
    for index, prompt in enumerate(prompts):
        yield from (f"alone: {problem}" for problem in differences(together, run([prompt]), index))
    if options.backend == "cpu":
        # Fewer slots than prompts: later ones start where earlier ones end.
        tools.compile(model, plan, 3, longest)
        yield from (f"batch of 3: {problem}" for problem in same_run(together, run(prompts)))
    for name in passes:
        tools.compile(model, plan, BATCH, longest, ["--disable-pass", name])
        found = run(prompts)
        if found.ids != together.ids:
            yield f"without {name}: other tokens"
        # One backend, portable arithmetic: a pass may not even change a bit.
        if options.backend == "cpu":
            yield from (f"without {name}: {problem}" for problem in same_run(together, found))


def main():
    """Checks both models, or the one asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--model", choices=MODELS, help="only this one")
    options = parser.parse_args()
    tools, failed = Tools(options.bin), False
    for name in [options.model] if options.model else MODELS:
        model = MODELS[name]
        with tempfile.TemporaryDirectory(prefix="sluice-invariance-") as work:
            try:
                passes = optional_passes(tools)
                problems = list(dict.fromkeys(check_model(tools, model, passes, options, work)))
            except TestFailure as failure:
                problems, passes = [str(failure)], []
        verdict = "FAILED" if problems else "the same bits"
        print(f"{name}: {verdict} (batch of {BATCH}, two runs, without {', '.join(passes)})")
        for problem in problems:
            print(f"  {problem}")
        failed = failed or bool(problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()
