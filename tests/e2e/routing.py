"""Recorded routing makes plans that move fewer bytes, and never changes a token.

    python3 routing.py --bin build/bin [--backend cuda]

The demo model in small budgets: a run records its routing, the model is compiled again with
--routing, and the second run must give the same bits while moving no more bytes of experts on
demand. Where the planner then moves experts ahead of their layer, that must give the same bits
too and may add at most 15% to the bytes. The recording of another model is refused.
"""

import argparse
import os
import re
import sys
import tempfile

from invariance import same_run
from support import CHECKPOINTS, DEMO, TestFailure, Tools, demo_prompts, generate

MODEL = os.path.join(DEMO, "target")
OTHER = os.path.join(CHECKPOINTS, "odd_sizes")
BATCH, MAX_SEQ, TOKENS = 4, 128, 24
SIZES = ["--batch", BATCH, "--max-seq", MAX_SEQ, "--arithmetic", "portable", "--experts", "fetch"]
MOST_WASTE = 1.15
DEPTH = re.compile(r"^prefetch depth +(\d+); (.*)", re.MULTILINE)


class Demo:
    """The demo model, compiled and run in one folder."""

    def __init__(self, tools, backend, work):
        self.tools, self.backend, self.work = tools, backend, work
        self.prompts = [ids[: MAX_SEQ - TOKENS] for ids in demo_prompts()]

    def path(self, name):
        """A file of the folder."""
        return os.path.join(self.work, name)

    def compile(self, *arguments):
        """Compiles demo.plan; what --explain says."""
        result = self.tools.check(
            "sluice-compile", MODEL, "-o", self.path("demo.plan"), "--explain", *SIZES, *arguments
        )
        return result.stdout

    def run(self):
        """Runs demo.plan; leaves routing.safetensors behind."""
        plan = self.path("demo.plan")
        return generate(self.tools, plan, self.prompts, TOKENS, self.work, self.backend)

    def budgets(self):
        """Budgets of 10%, 30% and 60% of the way from the smallest to everything resident."""
        least = self.tools.smallest_budget(MODEL, "-o", self.path("demo.plan"), *SIZES)
        total = re.search(r"^total +gpu +(\d+)", self.compile(), re.MULTILINE)
        most = int(total.group(1))
        return [int(least + share * (most - least)) for share in (0.1, 0.3, 0.6)]


def moved(run):
    """Bytes of experts that a run moved."""
    return run.metrics["expert_bytes_moved"]


def check_budget(demo, budget, said):
    """Yields what does not hold in one budget; `said` takes what was seen."""
    limit = ["--gpu-memory", budget]
    demand = [*limit, "--disable-pass", "schedule-prefetch"]
    demo.compile(*demand)
    plain = demo.run()
    recorded = demo.path("recorded.safetensors")
    os.replace(demo.path("routing.safetensors"), recorded)
    demo.compile(*demand, "--routing", recorded)
    informed = demo.run()
    yield from (f"with --routing: {problem}" for problem in same_run(plain, informed))
    said(f"{moved(plain)} bytes moved, {moved(informed)} with --routing")
    if moved(plain) == 0:
        yield "nothing moved: the case shows nothing"
    if moved(informed) > moved(plain):
        yield f"--routing moves more: {moved(informed)} bytes, expected at most {moved(plain)}"

    # No flag forces it: what the planner decided is what is checked.
    depth, why = DEPTH.search(demo.compile(*limit, "--routing", recorded)).groups()
    if depth == "0":
        said(f"no prefetch: {why}")
        return
    ahead = demo.run()
    yield from (f"with prefetch: {problem}" for problem in same_run(plain, ahead))
    said(f"{moved(ahead)} bytes with a prefetch of {depth} experts a layer: {why}")
    if moved(ahead) > MOST_WASTE * moved(informed):
        yield (
            f"prefetch moves {moved(ahead)} bytes, expected at most {MOST_WASTE} times"
            f" the {moved(informed)} of demand alone"
        )


def check_other(demo):
    """Yields what does not hold of a recording of another model."""
    recorded = demo.path("recorded.safetensors")
    arguments = ["sluice-compile", OTHER, "-o", demo.path("other.plan"), "--routing", recorded]
    refused = demo.tools.run(*arguments)
    if refused.returncode == 0 or "recorded with model 'target'" not in refused.stderr:
        yield f"a recording of another model: found {refused.stderr.strip()!r}, expected its name"


def main():
    """Every budget, then the other model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    options = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory(prefix="sluice-routing-") as work:
        demo = Demo(Tools(options.bin), options.backend, work)
        try:
            for budget in demo.budgets():

                def said(text, budget=budget):
                    print(f"budget {budget}: {text}", flush=True)

                found = check_budget(demo, budget, said)
                problems += [f"budget {budget}: {problem}" for problem in found]
            problems += check_other(demo)
        except TestFailure as failure:
            problems.append(str(failure))
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
