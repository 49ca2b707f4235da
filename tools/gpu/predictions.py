#!/usr/bin/env python3
"""Holds what --explain predicts against what the GPU does, over budgets and batches.

    predictions.py BIN LOGS [--hardware HW] [--routing FILE] [CASE...]

BIN holds sluice-compile, sluice-bench and sluice-profile. A CASE is BUDGET:N:EXPERTS, as in
12GiB:128:auto; without any, a matrix of them. The model is Qwen3-30B-A3B's shapes with weights made
up in memory. Without --hardware the machine is profiled first, so that predictions are of this
machine. Routing is uniform, as the predictions assume; with --routing both are of that recording.
Prints a table of predicted and measured milliseconds a step, and the simulator's; plans and JSON go to
LOGS. Ends with 1 when a case could not run: how far off a prediction is, is for the reader.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MATRIX = [
    "8GiB:1:fetch", "12GiB:1:fetch", "16GiB:1:fetch", "24GiB:1:fetch",
    "8GiB:1:auto", "16GiB:1:auto", "24GiB:1:auto",
    "16GiB:16:fetch", "8GiB:128:fetch", "16GiB:128:fetch", "24GiB:128:fetch",
    "16GiB:16:auto", "16GiB:128:auto",
]  # fmt: skip


def run(command, log, limit=240):
    """Standard output, or None; both outputs are kept in `log`."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"{log.name}: over its limit of {limit} s", file=sys.stderr)
        return None
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        print(f"{log.name}: {done.stderr.strip()[-400:]}", file=sys.stderr)
        return None
    return done.stdout


def plan(arguments, model, budget, batch, experts):
    """Compiles a case; the plan's path and what --explain says, or None."""
    name = f"{budget}-n{batch}-{experts}"
    path = arguments.logs / f"{name}.plan"
    context = 512 if batch < 16 else 64
    command = [
        arguments.bin / "sluice-compile", model, "-o", path, "--gpu-memory", budget, "--batch", batch,
        "--max-seq", context, "--prefill-rows", 128, "--experts", experts,
        "--hardware", arguments.hardware, "--explain",
    ]  # fmt: skip
    if arguments.routing:
        command += ["--routing", arguments.routing]
    text = run(command, arguments.logs / f"{name}.explain")
    return None if text is None else (path, text)


def measure(arguments, path, batch, name, *flags):
    """sluice-bench's row of one test, or None."""
    routing = f"replay:{arguments.routing}" if arguments.routing else "synthetic:repeat=0,skew=0,seed=1"
    tokens, turns = (32, 2) if batch == 1 else (6, 2) if batch < 64 else (3, 2)
    text = run(
        [
            arguments.bin / "sluice-bench", path, "--routing", routing, "-p", 0, "-n", tokens,
            "-b", batch, "-r", turns, "-o", "json", *flags,
        ],  # fmt: skip
        arguments.logs / f"{name}.json",
    )
    return None if text is None else json.loads(text)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("--hardware", type=pathlib.Path)
    parser.add_argument("--routing", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_intermixed_args()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    model = arguments.logs / "qwen3-30b-a3b"
    make = ROOT / "tests/e2e/make_sparse_checkpoint.py"
    if not model.exists() and run([sys.executable, "-B", make, "qwen3-30b-a3b", model], arguments.logs / "model") is None:
        sys.exit(1)

    failed = False
    if not arguments.hardware:
        # Kernels are timed for the shapes of a plan, which may be made for any machine.
        arguments.hardware = ROOT / "compiler/analysis/hardware/h200.json"
        first = plan(arguments, model, "16GiB", 128, "fetch")
        measured = arguments.logs / "hw.json"
        profile = [arguments.bin / "sluice-profile", "-o", measured, "--backend", "cuda", "--budget-ms", 8]
        if first is None or run([*profile, "--plan", first[0]], arguments.logs / "profile") is None:
            sys.exit(1)
        arguments.hardware = measured

    print("| budget | n | missing experts | predicted ms | sim ms | measured ms | predicted / measured |")
    print("| -----: | -: | --- | ---: | ---: | ---: | ---: |", flush=True)
    for case in arguments.cases or MATRIX:
        budget, batch, experts = case.split(":")
        name = f"{budget}-n{batch}-{experts}"
        compiled = plan(arguments, model, budget, int(batch), experts)
        row = compiled and measure(arguments, compiled[0], int(batch), name, "--backend", "cuda", "--synthetic-weights")
        sim = compiled and measure(
            arguments, compiled[0], int(batch), f"{name}.sim", "--backend", "sim", "--hardware", arguments.hardware
        )
        if not row or not sim:
            failed = True
            print(f"| {budget} | {batch} | {experts} | failed | | | |", flush=True)
            continue
        predicted, found = row["predicted_step_ms"], row["step_ms_mean"]
        missing = re.search(r"^missing experts +(\w+)", compiled[1], re.MULTILINE)
        chosen = missing.group(1) if missing else "none"
        print(
            f"| {budget} | {batch} | {experts}{'' if chosen == experts else ': ' + chosen} | {predicted:.1f} | "
            f"{sim['step_ms_mean']:.1f} | {found:.1f} | {predicted / found:.2f} |",
            flush=True,
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
