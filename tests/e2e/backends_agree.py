"""The same bits on `cuda` as on `cpu`, and row invariance on `cuda`, for plans made before.

    python3 backends_agree.py --bin DIR --plans DIR     # on a machine with a GPU
    python3 backends_agree.py --bin build/bin --make DIR # where sluice-compile is

`--make` compiles the plans: the demo model in every arithmetic and activation type, and
every small checkpoint in portable arithmetic. A plan whose name ends in `.portable.plan`
must give the bits of the `cpu` backend on `cuda`: logits at each prompt's end and at every
decode step, tokens, expert ids and weights. Every plan must give each sequence
the same bits alone as in a batch of eight, and the same bits twice; the demo plans with float32
activations must give the golden tokens.
"""

import argparse
import os
import sys
import tempfile

from invariance import differences, prompts_for, same_run
from support import CHECKPOINTS, DEMO, TestFailure, Tools, generate, read_json

BATCH = 8
TOKENS = 24
DEMO_TARGET = os.path.join(DEMO, "target")


def variants():
    """Yields (plan name, checkpoint, further arguments of sluice-compile)."""
    for activations in ("f32", "bf16"):
        for arithmetic in ("portable", "auto"):
            options = ["--activations", activations, "--arithmetic", arithmetic]
            yield f"demo.{activations}.{arithmetic}", DEMO_TARGET, options
    # Wider than eight rows: decode's dense layers use the tensor class too.
    wide = ["--activations", "bf16", "--batch", 16]
    yield "demo.bf16.wide", DEMO_TARGET, wide
    for name in sorted(os.listdir(CHECKPOINTS)):
        options = ["--activations", "f32", "--arithmetic", "portable"]
        yield f"{name}.portable", os.path.join(CHECKPOINTS, name), options


def make(tools, folder):
    """Compiles every plan into `folder`."""
    os.makedirs(folder, exist_ok=True)
    for name, model, options in variants():
        limit = read_json(os.path.join(model, "config.json"))["max_position_embeddings"]
        sizes = [] if "--batch" in options else ["--batch", BATCH]
        plan = os.path.join(folder, f"{name}.plan")
        arguments = [*sizes, "--max-seq", min(512, limit), *options]
        tools.check("sluice-compile", model, "-o", plan, *arguments)
        print(f"{name}: made", flush=True)


def golden_prompts():
    """The prompts of the demo's goldens and their continuations."""
    prompts = read_json(os.path.join(DEMO, "golden.json"))["prompts"]
    return [p["prompt_ids"] for p in prompts], [p["continuation_ids"] for p in prompts]


def failures(tools, plan, name, model, work):
    """Yields what does not hold for one plan."""
    wanted, tokens = None, TOKENS
    if model == DEMO_TARGET:
        prompts, wanted = golden_prompts()
        tokens = len(wanted[0])
    else:
        prompts = prompts_for(model)
    together = generate(tools, plan, prompts, tokens, work, "cuda")
    if wanted and ".f32." in name and together.ids != wanted:
        yield "other tokens than the goldens"
    again = generate(tools, plan, prompts, tokens, work, "cuda")
    yield from (f"twice: {d}" for d in same_run(together, again))
    if name.endswith(".portable"):
        on_cpu = generate(tools, plan, prompts, tokens, work, "cpu")
        yield from (f"cpu against cuda: {d}" for d in same_run(on_cpu, together))
    # Each run is a process; for the small checkpoints the shortest and longest will do.
    for index, prompt in enumerate(prompts):
        if model != DEMO_TARGET and 0 < index < len(prompts) - 1:
            continue
        alone = generate(tools, plan, [prompt], tokens, work, "cuda")
        yield from differences(together, alone, index)


def main():
    """Makes the plans, or runs them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bin", required=True, help="folder of the tools")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--make", metavar="DIR", help="compile the plans into DIR")
    chosen.add_argument("--plans", metavar="DIR", help="run the plans in DIR")
    arguments = parser.parse_args()
    tools = Tools(arguments.bin)
    if arguments.make:
        make(tools, arguments.make)
        return 0
    bad = 0
    known = list(variants())
    with tempfile.TemporaryDirectory(prefix="sluice-agree-") as work:
        for name, model, _ in known:
            plan = os.path.join(arguments.plans, f"{name}.plan")
            try:
                found = list(failures(tools, plan, name, model, work))
            except TestFailure as failure:
                found = [str(failure)]
            bad += bool(found)
            print(f"{name}: {'; '.join(found[:3]) or 'ok'}", flush=True)
    print(f"{len(known) - bad} of {len(known)} plans agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
