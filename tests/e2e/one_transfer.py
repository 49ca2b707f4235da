"""Each expert that a step misses crosses the bus once, for all sequences that want it.

    python3 one_transfer.py --bin build/bin

The demo model's recorded routing is played to plans of 1 to 32 sequences in a small budget, without
prefetch, in virtual time. What a step's layers want is computed from the recording: the union over
the sequences' tokens. Hits and misses together must be those unions, to the expert, and the bus, or
bus and CPU where they share, must have read each miss once and nothing else.
"""

import argparse
import json
import os
import sys
import tempfile

from support import DEMO, TestFailure, Tools, read_safetensors, record_demo

MODEL = os.path.join(DEMO, "target")
MAX_SEQ, TOKENS = 96, 48
STEPS, REPETITIONS = 6, 2


def recorded_ids(path):
    """Experts of a recording, by token and layer, a sequence's tokens side by side."""
    tensors = read_safetensors(path)
    _, layers, top_k = tensors["experts"].shape
    found = [
        [set(row[layer * top_k : (layer + 1) * top_k]) for layer in range(layers)]
        for row in tensors["experts"].rows()
    ]
    sequences = tensors["sequences"].values()
    return [found[token] for token in sorted(range(len(found)), key=lambda at: sequences[at])]


def wanted(recorded, batch, steps):
    """Experts that these steps' layers want, each once a layer and step.

    A row is a stream of its own that begins so far from the one before it as the recording allows.
    """
    stride = max(len(recorded) // batch, 1)
    count = 0
    for step in steps:
        rows = [recorded[(row * stride + step) % len(recorded)] for row in range(batch)]
        for layer in range(len(rows[0])):
            count += len(set().union(*(row[layer] for row in rows)))
    return count


def check(tools, work, recording, mode, batch):
    """Yields what does not hold of one case."""
    plan = os.path.join(work, "one.plan")
    flags = ["-o", plan, "--max-seq", MAX_SEQ, "--batch", batch, "--experts", mode]
    budget = ["--gpu-memory", tools.smallest_budget(MODEL, *flags) + (8 << 20)]
    budget += ["--disable-pass", "schedule-prefetch"]
    tools.check("sluice-compile", MODEL, *flags, *budget)
    described = json.loads(tools.check("sluice-dump", "--json", plan).stdout)
    expert = described["expert_pools"][0]["slot_bytes"]
    routing = ["--routing", f"replay:{recording}"]
    size = ["-p", 0, "-n", STEPS, "-b", batch, "-r", REPETITIONS, "-o", "json"]
    row = json.loads(tools.check("sluice-bench", plan, "--backend", "sim", *routing, *size).stdout)[
        0
    ]
    # The repetition that warms the slots is not counted.
    steps = range(STEPS, STEPS * (1 + REPETITIONS))
    union = wanted(recorded_ids(recording), batch, steps)
    misses, name = row["expert_misses"], f"{mode}, n {batch}"
    read = row["expert_bytes_moved"] + row["expert_bytes_on_host"]
    print(f"{name}: {union} wanted, {misses} missing, {read // expert} read", flush=True)
    if misses == 0:
        yield f"{name}: nothing is missing: the case shows nothing"
    if row["expert_hits"] + misses != union:
        yield f"{name}: {row['expert_hits']} hits and {misses} misses, expected {union} in all"
    if read != misses * expert:
        yield f"{name}: {read} bytes read, expected {misses} experts of {expert}"


def main():
    """Every case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    options = parser.parse_args()
    tools, problems = Tools(options.bin), []
    with tempfile.TemporaryDirectory(prefix="sluice-transfers-") as work:
        try:
            recording = record_demo(tools, work, TOKENS)
            for mode in ("fetch", "split"):
                for batch in (1, 2, 4, 8, 16, 32):
                    problems += check(tools, work, recording, mode, batch)
        except TestFailure as failure:
            problems.append(str(failure))
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
