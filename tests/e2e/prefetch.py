"""Experts move ahead of their layer only where that pays: no longer steps, few bytes more.

    python3 prefetch.py --bin build/bin [--filter NAME]

The demo model with a recording of its own routing, over shipped profiles of machines, budgets,
batches and ways to compute what is missing. Where the planner moves experts ahead, the same plan
without schedule-prefetch is the reference: in virtual time (sim, exact on every machine) on the
same routing the step may not be longer (by more than 0.5%), and what is missing may grow by 15% of
its bytes at most, whoever reads it: a split gives the bus what the CPU would have read.
"""

import argparse
import json
import os
import re
import sys
import tempfile

from support import DEMO, PROFILES, TestFailure, Tools, record_demo

MODEL = os.path.join(DEMO, "target")
MAX_SEQ, TOKENS = 96, 48
# What is no longer than this is no longer: how CPU and bus share what is missing is learned from
# what came before, and another history divides it a little differently.
LONGER, MOST_BYTES = 1.005, 1.15
DEPTH = re.compile(r"^prefetch depth +(\d+); ", re.MULTILINE)


class Demo:
    """The demo model, its recording, and where its plans go."""

    def __init__(self, tools, work):
        self.tools, self.work = tools, work
        self.routing = record_demo(tools, work, TOKENS)

    def compile(self, name, batch, arguments):
        """Compiles a plan; its path and what --explain says."""
        plan = os.path.join(self.work, name + ".plan")
        flags = ["-o", plan, "--max-seq", MAX_SEQ, "--batch", batch, "--routing", self.routing]
        said = self.tools.check("sluice-compile", MODEL, *flags, "--explain", *arguments)
        return plan, said.stdout

    def budget(self, batch, share):
        """So far on the way from the smallest budget to everything resident."""
        flags = ["-o", os.path.join(self.work, "none.plan"), "--max-seq", MAX_SEQ]
        flags += ["--batch", batch]
        least = self.tools.smallest_budget(MODEL, *flags)
        _, said = self.compile("none", batch, [])
        most = re.search(r"^total +gpu +(\d+)", said, re.MULTILINE)
        return int(least + share * (int(most.group(1)) - least))

    def run(self, plan, batch, profile):
        """Milliseconds a step, and bytes of missing experts, of the recording again."""
        flags = ["--backend", "sim", "--hardware", profile, "--routing", f"replay:{self.routing}"]
        size = ["-p", 0, "-n", min(40, 480 // batch), "-b", batch, "-r", 2, "-o", "json"]
        row = json.loads(self.tools.check("sluice-bench", plan, *flags, *size).stdout)[0]
        return row["step_ms_mean"], row["expert_bytes_moved"] + row["expert_bytes_on_host"]


def check(demo, profile, mode, share, batch):
    """Yields what does not hold of one case; gives whether anything moved ahead."""
    path = os.path.join(PROFILES, profile + ".json")
    arguments = ["--hardware", path, "--experts", mode]
    arguments += ["--gpu-memory", demo.budget(batch, share)]
    name = f"{profile}, {mode}, {share:.0%} of the budget, n {batch}"
    plan, said = demo.compile("with", batch, arguments)
    depth = DEPTH.search(said)
    if not depth:
        raise TestFailure(f"{name}: --explain does not say the prefetch depth")
    if depth.group(1) == "0":
        return False, []
    reference, _ = demo.compile(
        "without", batch, [*arguments, "--disable-pass", "schedule-prefetch"]
    )
    time, moved = demo.run(plan, batch, path)
    before, all_bytes = demo.run(reference, batch, path)
    print(
        f"{name}: depth {depth.group(1)}, {before:.3f} to {time:.3f} ms,"
        f" {moved / all_bytes:.3f} times the bytes",
        flush=True,
    )
    problems = []
    if not time <= LONGER * before:
        problems.append(f"{name}: {time:.3f} ms a step, {before:.3f} without, expected no longer")
    if not moved <= MOST_BYTES * all_bytes:
        problems.append(
            f"{name}: {moved} bytes of {all_bytes} without, expected {MOST_BYTES} times"
        )
    return True, problems


def main():
    """Every case, or those asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--filter", default="", help="only profiles and ways whose name holds this")
    options = parser.parse_args()
    ahead, problems = {}, []
    with tempfile.TemporaryDirectory(prefix="sluice-prefetch-") as folder:
        try:
            demo = Demo(Tools(options.bin), folder)
            for profile in ("h200", "rtx_3060_12gb"):
                for mode in ("fetch", "split"):
                    if options.filter not in f"{profile}, {mode}":
                        continue
                    ahead[profile, mode] = 0
                    for share in (0.1, 0.3, 0.6):
                        for batch in (2, 4, 8, 16):
                            moves, found = check(demo, profile, mode, share, batch)
                            ahead[profile, mode] += moves
                            problems += found
        except TestFailure as failure:
            problems.append(str(failure))
    for way in {mode for _, mode in ahead}:
        if not any(count for (_, mode), count in ahead.items() if mode == way):
            problems.append(f"{way}: nothing moved ahead in any case: the cases show nothing")
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
