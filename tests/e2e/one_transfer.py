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
import struct
import sys
import tempfile

from support import DEMO, TestFailure, Tools, generate, read_json

MODEL = os.path.join(DEMO, "target")
MAX_SEQ, TOKENS = 96, 48
STEPS, REPETITIONS = 6, 2


def recorded_ids(path):
    """Experts of a recording, by token and layer, a sequence's tokens side by side."""
    tensors = {}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name in ("experts", "sequences"):
            first, end = header[name]["data_offsets"]
            file.seek(8 + length + first)
            tensors[name] = struct.unpack(f"<{(end - first) // 4}i", file.read(end - first))
    tokens, layers, top_k = header["experts"]["shape"]
    at = iter(tensors["experts"])
    found = [[{next(at) for _ in range(top_k)} for _ in range(layers)] for _ in range(tokens)]
    order = sorted(range(tokens), key=lambda token: tensors["sequences"][token])
    return [found[token] for token in order]


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
    refused = tools.run("sluice-compile", MODEL, *flags, "--gpu-memory", 1)
    least = int(refused.stderr.split("smallest budget that works is --gpu-memory ")[1].split()[0])
    budget = ["--gpu-memory", least + (8 << 20), "--disable-pass", "schedule-prefetch"]
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
            plan = os.path.join(work, "demo.plan")
            tools.check("sluice-compile", MODEL, "-o", plan, "--batch", 8, "--max-seq", 256)
            prompts = [entry["prompt_ids"] for entry in read_json(DEMO + "/golden.json")["prompts"]]
            generate(tools, plan, prompts, TOKENS, work, "cpu")
            recording = os.path.join(work, "routing.safetensors")
            for mode in ("fetch", "split"):
                for batch in (1, 2, 4, 8, 16, 32):
                    problems += check(tools, work, recording, mode, batch)
        except TestFailure as failure:
            problems.append(str(failure))
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
