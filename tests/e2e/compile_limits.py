"""Compiles sparse checkpoints of large models: how long, how much memory, how large a plan.

    python3 compile_limits.py --bin build/bin [--preset qwen3-30b-a3b ...] [--gpu-memory 24GiB]

Each model twice: with everything resident, and under a GPU budget, so that experts move.
Prints a markdown table. Memory and plan size are held to their limits; user time must grow
no faster than layers x experts, within a factor, among the compiles of one run. Wall time is
never judged, because a busy machine decides it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import make_sparse_checkpoint
from support import Tools

MOST_MEMORY, MOST_PLAN = 1 << 30, 4 << 20  # bytes, for Qwen3-30B-A3B's shapes
MOST_GROWTH = 3.0  # of the time for an expert, from the smallest model to any other


@dataclass
class Cost:
    """What one compile took."""

    preset: str
    budget: str  # empty: none
    user: float  # seconds
    memory: int  # bytes, at most
    plan: int  # bytes

    def units(self):
        """Experts of all layers."""
        config = make_sparse_checkpoint.PRESETS[self.preset]
        return config["num_hidden_layers"] * config["num_experts"]

    def row(self):
        """One row of the table."""
        config = make_sparse_checkpoint.PRESETS[self.preset]
        shape = f"{config['num_hidden_layers']} x {config['num_experts']}"
        return (
            f"| {self.preset} | {shape} | {self.budget or 'none: all resident'} | {self.user:.2f}"
            f" | {self.memory / 2**20:.0f} | {self.plan / 2**20:.2f} |"
        )


def compile_once(tools, preset, model, plan, budget):
    """One compile, measured on its own."""
    command = [tools.path("sluice-compile"), model, "-o", plan]
    command += ["--gpu-memory", budget] if budget else []
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            sys.exit(f"{preset}: {' '.join(command)}\n{log.read().strip()[-600:]}")
    return Cost(preset, budget, used.ru_utime, used.ru_maxrss * 1024, os.path.getsize(plan))


def problems(costs):
    """Yields every limit that does not hold."""
    smallest = {}
    for cost in sorted(costs, key=Cost.units):
        what = f"{cost.preset}, budget {cost.budget or 'none'}"
        if cost.preset == "qwen3-30b-a3b":
            if cost.memory > MOST_MEMORY:
                yield f"{what}: {cost.memory} bytes of memory, expected at most {MOST_MEMORY}"
            if cost.plan > MOST_PLAN:
                yield f"{what}: a plan of {cost.plan} bytes, expected at most {MOST_PLAN}"
        each = cost.user / cost.units()
        first = smallest.setdefault(bool(cost.budget), each)
        if each > MOST_GROWTH * first:
            yield (
                f"{what}: {each * 1e6:.1f} us of user time an expert, expected at most"
                f" {MOST_GROWTH:g} times the {first * 1e6:.1f} us of the smallest model"
            )


def main():
    """Makes the checkpoints, compiles them and compares."""
    presets = list(make_sparse_checkpoint.PRESETS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--preset", nargs="+", default=presets, choices=presets)
    parser.add_argument("--gpu-memory", default="24GiB", help="the budget of the second compile")
    options = parser.parse_args()
    tools, costs = Tools(options.bin), []
    print("| model | layers x experts | GPU budget | user s | MiB at most | plan MiB |")
    print("| --- | ---: | --- | ---: | ---: | ---: |", flush=True)
    for preset in options.preset:
        with tempfile.TemporaryDirectory(prefix="sluice-sparse-") as work:
            model, plan = os.path.join(work, "model"), os.path.join(work, "model.plan")
            make_sparse_checkpoint.make(preset, model)
            for budget in ("", options.gpu_memory):
                costs.append(compile_once(tools, preset, model, plan, budget))
                print(costs[-1].row(), flush=True)
    found = list(problems(costs))
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
