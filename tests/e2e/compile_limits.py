"""Compiles a sparse checkpoint of a large model: how long, how much memory, how large a plan.

    python3 compile_limits.py --bin build/bin [--preset qwen3-235b-a22b]

Memory and plan size are held to their limits; time is printed and never judged, because
a busy machine decides it.
"""

import argparse
import os
import resource
import sys
import tempfile
import time

import make_sparse_checkpoint
from support import TestFailure, Tools

MOST_MEMORY, MOST_PLAN = 1 << 30, 4 << 20  # bytes, for Qwen3-30B-A3B's shapes


def main():
    """Makes the checkpoint, compiles it and compares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--preset", default="qwen3-30b-a3b", choices=make_sparse_checkpoint.PRESETS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-sparse-") as work:
        model, plan = os.path.join(work, "model"), os.path.join(work, "model.plan")
        make_sparse_checkpoint.make(options.preset, model)
        start = time.monotonic()
        try:
            Tools(options.bin).check("sluice-compile", model, "-o", plan)
        except TestFailure as failure:
            sys.exit(str(failure))
        seconds, size = time.monotonic() - start, os.path.getsize(plan)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{options.preset}: compiled in {seconds:.2f} s, {memory / 2**20:.0f} MiB at most,"
        f" plan of {size / 2**20:.2f} MiB"
    )
    if options.preset == "qwen3-30b-a3b":
        if memory > MOST_MEMORY:
            sys.exit(f"used {memory} bytes of memory, expected at most {MOST_MEMORY}")
        if size > MOST_PLAN:
            sys.exit(f"the plan has {size} bytes, expected at most {MOST_PLAN}")


if __name__ == "__main__":
    main()
