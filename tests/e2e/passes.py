"""What each optional pass is worth: left out, a step takes longer or memory is larger.

    python3 passes.py --bin build/bin

The demo model in a budget that a part of its experts fits into, with a recording of its own
routing, in virtual time on the same routing. budgets.py shows that no pass changes a bit;
schedule-prefetch has prefetch.py. canonicalize and cse tidy up for others, and assign-streams lets
the step's inputs and outputs go beside compute, which is nothing at this size.
"""

import argparse
import json
import os
import sys
import tempfile

import make_sparse_checkpoint
from invariance import optional_passes
from support import DEMO, PROFILES, TestFailure, Tools, record_demo

MODEL = os.path.join(DEMO, "target")
BATCH, MAX_SEQ, TOKENS = 4, 96, 48
SLOTS_BYTES = 10 << 20  # above the smallest budget
# Shorter by this share at least with the pass than without, by way to compute what is missing.
WORTH = {
    "fetch": {
        "merge-expert-io": 0.2,
        "form-graphs": 0.1,
        "place-experts": 0.05,
        "fuse-llm": 0.02,
    },
    "split": {"merge-expert-io": 0.2, "form-graphs": 0.1, "fuse-llm": 0.02},
}
# Experts of the demo are so small that to divide them costs what it saves: a real model's shapes.
LARGE, LARGE_WORTH = "qwen3-30b-a3b", 0.3


class Demo:
    """The demo model and its recording."""

    def __init__(self, tools, work):
        self.tools, self.work, self.plan = tools, work, os.path.join(work, "demo.plan")
        self.flags = ["-o", self.plan, "--batch", BATCH, "--max-seq", MAX_SEQ]
        self.hardware = os.path.join(PROFILES, "rtx_3060_12gb.json")
        self.routing = record_demo(tools, work, TOKENS)

    def smallest(self, *flags):
        """The smallest budget that works with these flags."""
        return self.tools.smallest_budget(MODEL, *self.flags, *flags)

    def step(self, mode, budget, *flags):
        """Milliseconds a step of the recording again."""
        flags = ["--experts", mode, "--gpu-memory", budget, "--routing", self.routing, *flags]
        flags += ["--hardware", self.hardware]
        self.tools.check("sluice-compile", MODEL, *self.flags, *flags)
        how = ["--backend", "sim", "--hardware", self.hardware, "-o", "json"]
        how += ["--routing", f"replay:{self.routing}", "-p", 0, "-n", 40, "-b", BATCH, "-r", 2]
        return json.loads(self.tools.check("sluice-bench", self.plan, *how).stdout)[0][
            "step_ms_mean"
        ]


def large_step(demo, *flags):
    """Milliseconds a step of one sequence of the large model's shapes, with uniform routing."""
    model = os.path.join(demo.work, LARGE)
    if not os.path.exists(model):
        make_sparse_checkpoint.make(LARGE, model)
    profile = os.path.join(PROFILES, "h200.json")
    flags = ["--hardware", profile, "--gpu-memory", "16GiB", "--max-seq", 256, *flags]
    demo.tools.check("sluice-compile", model, "-o", demo.plan, *flags)
    how = ["--backend", "sim", "--hardware", profile, "-o", "json", "-p", 0, "-n", 8, "-b", 1]
    how += ["--routing", "synthetic:repeat=0,skew=0,seed=1", "-r", 2]
    return json.loads(demo.tools.check("sluice-bench", demo.plan, *how).stdout)[0]["step_ms_mean"]


def check(demo):
    """Yields what does not hold."""
    budget = demo.smallest() + SLOTS_BYTES
    for mode, worth in WORTH.items():
        time = demo.step(mode, budget)
        for name, least in worth.items():
            without = demo.step(mode, budget, "--disable-pass", name)
            print(f"{mode}: {without:.3f} ms without {name}, {time:.3f} with it", flush=True)
            if not time <= (1 - least) * without:
                yield f"{mode}, {name}: {time:.3f} ms of {without:.3f}, expected {least:.0%} less"
    time, without = large_step(demo), large_step(demo, "--disable-pass", "split-misses")
    print(f"{LARGE}: {without:.3f} ms without split-misses, {time:.3f} with it", flush=True)
    if not time <= (1 - LARGE_WORTH) * without:
        yield f"{LARGE}: {time:.3f} ms of {without:.3f}, expected {LARGE_WORTH:.0%} less"
    # Buffers that are not there at the same time share their bytes.
    least, without = demo.smallest(), demo.smallest("--disable-pass", "plan-memory")
    print(f"smallest budget: {without} bytes without plan-memory, {least} with it", flush=True)
    if not least < without:
        yield f"plan-memory: a smallest budget of {least} bytes, expected less than {without}"


def main():
    """All of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    tools = Tools(parser.parse_args().bin)
    judged = {name for worth in WORTH.values() for name in worth}
    judged |= {
        "plan-memory",
        "split-misses",
        "schedule-prefetch",
        "canonicalize",
        "cse",
        "assign-streams",
    }
    problems = [
        f"{name}: an optional pass that nobody measures"
        for name in optional_passes(tools)
        if name not in judged
    ]
    with tempfile.TemporaryDirectory(prefix="sluice-passes-") as work:
        try:
            problems += check(Demo(tools, work))
        except TestFailure as failure:
            problems.append(str(failure))
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
