"""Placement changes speed, never tokens: one model over budgets, passes, policies and tiers.

    python3 budgets.py --bin build/bin [--filter NAME]
    python3 budgets.py --bin build/bin --make DIR        # only compile the plans
    python3 budgets.py --bin DIR --plans DIR --backend cuda # only run them, elsewhere

The demo model with everything resident is the reference. Every other way to run it (GPU
budgets from the smallest that works upwards, host memory for all, some and none of the
experts, each optional pass left out, each residency policy, misses fetched, computed on
the host or shared, 1 to 64 sequences, the serial baseline) must give the same bits:
tokens, logits at each prompt's end and at every decode step, expert ids and weights.
More prompts than sequences keep the slots warm from one prompt to the next.
"""

import argparse
import os
import random
import re
import sys
import tempfile
from dataclasses import dataclass, field

from invariance import optional_passes, same_run
from support import DEMO, TestFailure, Tools, generate, read_json, write_json

MODEL = os.path.join(DEMO, "target")
MAX_SEQ = 96
POLICIES = ("lru", "lfu", "lfru", "next_use")
MODES = ("fetch", "host", "split", "auto")
SMALLEST = re.compile(r"smallest budget that works is (--\w+-memory) (\d+)")


@dataclass
class Case:
    """One way to run the model."""

    name: str
    batch: int = 4
    gpu: float = 0.3  # share of the way from the smallest budget to everything resident
    host: float = 1.0  # the same for host memory; 1 sets no limit
    compile: list = field(default_factory=list)
    run: list = field(default_factory=list)


def cases(passes):
    """Every case, the cheap axes one at a time around a middle, and some corners together."""
    for gpu in (0.0, 0.1, 0.3, 0.6, 0.9):
        yield Case(f"budget {gpu:.0%}", gpu=gpu)
    for batch in (1, 2, 8, 16, 32, 64):
        yield Case(f"n {batch}", batch=batch)
    yield Case("n 64, smallest budget", batch=64, gpu=0.0)
    for host in (0.0, 0.5):
        yield Case(f"host memory {host:.0%}", host=host)
        yield Case(f"host memory {host:.0%}, smallest budget", host=host, gpu=0.0)
    for name in passes:
        yield Case(f"without {name}", compile=["--disable-pass", name])
        yield Case(f"without {name}, half on disk", host=0.5, compile=["--disable-pass", name])
    for policy in POLICIES:
        run = ["--policy", policy]
        yield Case(f"policy {policy}", run=run)
        yield Case(f"policy {policy}, all on disk", host=0.0, run=run)
        for mode in ("fetch", "split"):
            yield Case(f"policy {policy}, {mode}", compile=["--experts", mode], run=run)
    for mode in MODES:
        yield Case(f"experts {mode}", compile=["--experts", mode])
        yield Case(f"experts {mode}, smallest budget", gpu=0.0, compile=["--experts", mode])
    for mode in ("fetch", "split"):
        name = f"experts {mode}"
        yield Case(f"{name}, half on disk", host=0.5, compile=["--experts", mode])
        yield Case(f"{name}, n 16", batch=16, compile=["--experts", mode])
    for batch in (1, 4):
        yield Case(f"serial, n {batch}", batch=batch, gpu=0.6, compile=["--schedule", "serial"])


def prompts_for(batch):
    """More prompts than sequences, of 1 to 40 tokens, some of them alike."""
    vocabulary = read_json(os.path.join(MODEL, "config.json"))["vocab_size"]
    r = random.Random(5)
    count = batch + max(2, batch // 4)
    prompts = [[r.randrange(vocabulary) for _ in range(r.randint(1, 40))] for _ in range(count)]
    prompts[-1] = list(prompts[0])
    return prompts


class Budgets:
    """What budgets mean for one batch size: the smallest that works, and all resident."""

    def __init__(self, tools, work):
        self.tools, self.work, self.known = tools, work, {}

    def smallest(self, flag, arguments):
        """The least that `flag` may be, from the error that says so."""
        plan = os.path.join(self.work, "never.plan")
        result = self.tools.run("sluice-compile", MODEL, "-o", plan, *arguments, flag, "1")
        found = SMALLEST.search(result.stderr)
        if result.returncode != 1 or not found or found.group(1) != flag:
            raise TestFailure(f"{flag} 1 names no smallest budget: {result.stderr.strip()[-300:]}")
        return int(found.group(2))

    def total(self, where, arguments):
        """What a plan without limits takes of one kind of memory."""
        plan = os.path.join(self.work, "full.plan")
        result = self.tools.check("sluice-compile", MODEL, "-o", plan, "--explain", *arguments)
        found = re.search(rf"^total +{where} +(\d+)", result.stdout, re.MULTILINE)
        if not found:
            raise TestFailure(f"--explain prints no total of {where}: {result.stdout[-500:]}")
        return int(found.group(1))

    def flags(self, case, sizes):
        """The memory flags of a case."""
        arguments = [*sizes, *case.compile]
        least, most = self.smallest("--gpu-memory", arguments), self.total("gpu", sizes)
        if not least < most:
            raise TestFailure(f"the smallest budget {least} does not save any of {most} bytes")
        flags = ["--gpu-memory", int(least + case.gpu * (most - least))]
        if case.host < 1:
            floor = self.smallest("--host-memory", [*arguments, *flags])
            full = self.total("host", [*arguments, *flags])
            flags += ["--host-memory", int(floor + case.host * (full - floor))]
        return flags


def sizes_of(batch):
    """What every plan of one batch size is compiled with."""
    return ["--batch", batch, "--max-seq", MAX_SEQ, "--arithmetic", "portable"]


def make(tools, wanted, folder, work):
    """Compiles each case's plan into `folder`, and one reference a batch size; yields problems."""
    budgets, manifest = Budgets(tools, work), []
    for index, case in enumerate(wanted):
        plan, reference = f"{index}.plan", f"resident{case.batch}.plan"
        sizes = sizes_of(case.batch)
        try:
            if not os.path.exists(os.path.join(folder, reference)):
                tools.check("sluice-compile", MODEL, "-o", os.path.join(folder, reference), *sizes)
            arguments = [*sizes, *case.compile, *budgets.flags(case, sizes)]
            tools.check("sluice-compile", MODEL, "-o", os.path.join(folder, plan), *arguments)
        except TestFailure as failure:
            yield f"{case.name}: {failure}"
            continue
        entry = {"name": case.name, "plan": plan, "reference": reference, "batch": case.batch}
        moves = case.gpu < 0.9 and "host" not in case.compile
        manifest.append({**entry, "run": case.run, "moves": moves})
    write_json(os.path.join(folder, "manifest.json"), manifest)


def check(tools, entry, references, options, folder, work):
    """Yields what differs from everything being resident."""
    prompts, tokens = prompts_for(entry["batch"]), 4 if entry["batch"] > 8 else 12

    def run(plan, extra):
        path = os.path.join(folder, entry[plan])
        return generate(tools, path, prompts, tokens, work, options.backend, extra)

    if entry["reference"] not in references:
        references[entry["reference"]] = run("reference", [])
    found = run("plan", entry["run"])
    yield from same_run(references[entry["reference"]], found)
    moved = found.metrics["expert_misses"] and found.metrics["expert_bytes_moved"]
    if entry["moves"] and not moved:
        yield "no expert was ever missing: the case shows nothing"


def run_all(tools, options, folder):
    """Runs every plan of a folder; the number of those that fail."""
    references, failed = {}, 0
    manifest = read_json(os.path.join(folder, "manifest.json"))
    for entry in manifest:
        with tempfile.TemporaryDirectory(prefix="sluice-budgets-") as work:
            try:
                problems = list(check(tools, entry, references, options, folder, work))
            except TestFailure as failure:
                problems = [str(failure)]
        failed += bool(problems)
        print(f"{entry['name']}: {'; '.join(problems) or 'the same bits'}", flush=True)
    print(f"{len(manifest) - failed} of {len(manifest)} ways give the same bits")
    return failed if manifest else 1


def main():
    """Compiles, runs, or both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--filter", default="", help="only cases whose names hold this")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--make", metavar="DIR", help="only compile the plans, into DIR")
    chosen.add_argument("--plans", metavar="DIR", help="only run the plans in DIR")
    options = parser.parse_args()
    tools, failed = Tools(options.bin), 0
    with tempfile.TemporaryDirectory(prefix="sluice-budgets-") as work:
        folder = options.plans or options.make or os.path.join(work, "plans")
        if not options.plans:
            os.makedirs(folder, exist_ok=True)
            wanted = [c for c in cases(optional_passes(tools)) if options.filter in c.name]
            for problem in make(tools, wanted, folder, work):
                failed += 1
                print(problem, flush=True)
        if not options.make:
            failed += run_all(tools, options, folder)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
