#!/usr/bin/env python3
"""Holds what --explain predicts against what the GPU does, over budgets and batches.

    predictions.py BIN LOGS [--hardware HW | --profile-rounds N] [--routing FILE]
                   [--within PERCENT] [CASE...]

BIN holds sluice-compile, sluice-bench and sluice-profile. A CASE is BUDGET:N:EXPERTS, as in
12GiB:128:auto; without any, a matrix of them. The model is Qwen3-30B-A3B's shapes with weights
made up in memory. Without --hardware the machine is profiled once before, so that predictions are
of this machine. Where others use the machine too and seconds make a difference, --profile-rounds
runs each case N times and profiles before, between and behind: predicted is then the mean of what
--explain says by each of these profiles, measured the mean of the runs, and further columns give
the least and the most of both and of what bus and CPU together read of the host's memory in the
profiles. The last one is the mean ratio where --explain is told what bus and CPU reached at once
in the very run (--bubbles): what is left is what the model leaves out, whatever the machine did
meanwhile. Routing is uniform, as predictions without a recording assume. With --routing both are
of that recording, whose name is in those of the files of a case: the prediction is the mean over
its tokens behind a short warm-up, and so it is run once around, on slots that a part of it has
warmed. Prints predicted, simulated and measured milliseconds a step; plans and output go to LOGS.
Ends with 1 when a case could not run, and with --within where a prediction is further off than
that: the one by the own rates where there is one.
"""

import argparse
import json
import math
import pathlib
import re
import statistics
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = "qwen3-30b-a3b"
EXPERTS, TOP_K = 128, 8  # of a layer
UNIFORM = "synthetic:repeat=0,skew=0,seed=1"
MATRIX = """
8GiB:1:fetch 12GiB:1:fetch 16GiB:1:fetch 24GiB:1:fetch
8GiB:1:auto 16GiB:1:auto 24GiB:1:auto
16GiB:16:fetch 8GiB:128:fetch 16GiB:128:fetch 24GiB:128:fetch
16GiB:16:auto 16GiB:128:auto
""".split()


class Failure(Exception):
    """A command that did not do its work; the text is for people."""


def recorded_tokens(path):
    """Tokens of a recording."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))["experts"]["shape"][0]


def positions(batch):
    """Positions of a sequence in a case's plan."""
    return 512 if batch < 16 else 64


def once_around(tokens, batch):
    """Steps of a repetition, and repetitions, that play `tokens` tokens once in `batch` streams.

    Steps count on from one repetition to the next, so that each goes on where the one before it
    ended; the untimed one warms the slots.
    """
    steps = max(tokens // batch, 1)
    repetitions = max(2, math.ceil(steps / positions(batch)))
    return math.ceil(steps / repetitions), repetitions


def predicted_ms(text):
    """The step that --explain predicts."""
    return float(re.search(r"^predicted step +([0-9.]+) ms", text, re.MULTILINE).group(1))


class Runner:
    """The tools of one folder, and where their output is kept."""

    def __init__(self, bin, logs, hardware, routing):
        self.bin, self.logs, self.hardware, self.routing = bin, logs, hardware, routing
        self.profiles = []  # of every round so far

    def run(self, name, *command, limit=240):
        """Gives standard output; LOGS/name.log keeps both outputs, as far as they came."""
        words = [str(word) for word in command]
        log = self.logs / f"{name}.log"
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired as late:
            # Bytes or nothing, also where text was asked for.
            log.write_bytes((late.stdout or b"") + (late.stderr or b""))
            raise Failure(f"{name}: over its limit of {limit} s") from None
        log.write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise Failure(f"{name}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def tool(self, name, tool, *flags):
        """The same for a tool of the folder."""
        return self.run(name, self.bin / tool, *flags)

    def compile(self, name, budget, batch, experts, host=None):
        """Compiles a plan, of `host` bytes of host memory; its path and what --explain says."""
        path = self.logs / f"{name}.plan"
        flags = ["--gpu-memory", budget, "--batch", batch, "--experts", experts]
        flags += ["--max-seq", positions(batch), "--prefill-rows", 128]
        flags += ["--hardware", self.hardware]
        if self.routing:
            flags += ["--routing", self.routing]
        if host:
            flags += ["--host-memory", host]
        model = self.logs / MODEL
        text = self.tool(name, "sluice-compile", model, "-o", path, *flags, "--explain")
        return path, text

    def bench(self, name, plan, batch, *flags):
        """Gives sluice-bench's figures of one test of generation."""
        steps, repetitions = (32 if batch == 1 else 6 if batch < 64 else 3), 2
        routing = UNIFORM
        if self.routing:
            steps, repetitions = once_around(recorded_tokens(self.routing), batch)
            routing = f"replay:{self.routing}"
        size = ["-p", 0, "-n", steps, "-b", batch, "-r", repetitions]
        text = self.tool(
            name, "sluice-bench", plan, "--routing", routing, *size, "-o", "json", *flags
        )
        return json.loads(text)[0]

    def profile(self, name="hw"):
        """Measures the machine; the file's path. Kernels are timed for the shapes of a plan."""
        path = self.logs / f"{name}.json"
        flags = ["-o", path, "--backend", "cuda", "--budget-ms", 8]
        # One sequence and many use other kernels, contexts and classes of arithmetic.
        for batch in (1, 128):
            plan, _ = self.compile(f"profiled-n{batch}", "16GiB", batch, "fetch")
            flags += ["--plan", plan]
        self.tool(f"{name}.profile", "sluice-profile", *flags)
        return path

    def case(self, budget, batch, experts, rounds):
        """Gives a case's row of the table, of one run or of `rounds` between profiles.

        And by how much the prediction is off: the one by the run's own rates where there is one.
        """
        name = f"{budget}-n{batch}-{experts}"
        if self.routing:
            name += f"-{self.routing.stem}"
        if rounds and not self.profiles:
            self.profiles.append(self.profile("hw0"))
        around = self.profiles[-1:]  # of this case
        if rounds:
            self.hardware = around[0]
        plan, text = self.compile(name, budget, batch, experts)
        predicted, measured, own = [predicted_ms(text)], [], []
        flags = ["--backend", "sim", "--hardware", self.hardware]
        virtual = self.bench(f"{name}.sim", plan, batch, *flags)["step_ms_mean"]
        for number in range(rounds or 1):
            flags = ["--backend", "cuda", "--synthetic-weights"]
            flags += ["--bubbles"] if rounds else []
            row = self.bench(f"{name}.cuda{number}", plan, batch, *flags)
            measured.append(row["step_ms_mean"])
            if rounds:
                self.hardware = self.as_in_run(name, batch, row)
                if self.hardware:
                    _, said = self.compile(f"{name}.own", budget, batch, experts)
                    own.append(predicted_ms(said) / row["step_ms_mean"])
                self.hardware = self.profile(f"hw{len(self.profiles)}")
                self.profiles.append(self.hardware)
                around.append(self.hardware)
                # The machine's other figures, the same case: only what is said of it is wanted.
                _, said = self.compile(f"{name}.again", budget, batch, experts)
                predicted.append(predicted_ms(said))
        chosen = re.search(r"^missing experts +(\w+)", text, re.MULTILINE)
        if experts == "auto":
            experts += ": " + (chosen.group(1) if chosen else "all resident")
        times = [statistics.mean(predicted), virtual, statistics.mean(measured)]
        cells = [budget, batch, experts, *(f"{time:.1f}" for time in times)]
        cells.append(f"{times[0] / times[2]:.2f}")
        if rounds:
            cells += [span(predicted), span(measured), span(map(rate_together, around), 0)]
            cells.append(f"{statistics.mean(own):.2f}" if own else "")
        ratio = statistics.mean(own) if own else times[0] / times[2]
        return "| " + " | ".join(map(str, cells)) + " |", abs(ratio - 1)

    def as_in_run(self, name, batch, row):
        """The hardware, but bus and CPU at once as they were in the run that `row` is of.

        Beside the bus the CPU is told to keep the same part of its rate alone whatever the rows,
        so large that the experts which it had in the run take the time they took; where that is
        more than all of it, its rates alone are raised as well. None where there is nothing to
        tell: the CPU had no part, the profile no such figure, or nobody knows how many rows an
        expert served.
        """
        with open(self.hardware, encoding="utf-8") as file:
            hardware = json.load(file)
        shared = hardware.get("host_memory_shared_gb_s")
        if not shared or not row["host_gb_s_busy"] or self.routing:
            return None
        curve = hardware["host_expert_gb_s_by_rows"]["points"]
        bytes_of = [row["expert_bytes_on_host"], row["expert_bytes_moved"]]
        alone = rate_of_fewest(curve, batch, bytes_of[0] / sum(bytes_of))
        part = row["host_gb_s_busy"] / alone
        for point in curve:  # no part is more than all of it
            point[1] *= max(part, 1)
        part = min(part, 1)
        points = [[rows, row["bus_gb_s_busy"], part * rate] for rows, rate in curve]
        shared["points"], shared["source"] = points, f"measured by sluice-bench in {name}"
        path = self.logs / f"{name}.own.json"
        path.write_text(json.dumps(hardware))
        return path


def rate_of_fewest(curve, batch, share):
    """GB/s of the CPU alone for the `share` of a layer's experts that fewest rows use.

    Routing is uniform; `curve` has the rates by rows, beyond its end they fall as 1 / rows.
    """
    chances = [
        math.comb(batch, rows) * (TOP_K / EXPERTS) ** rows * (1 - TOP_K / EXPERTS) ** (batch - rows)
        for rows in range(batch + 1)
    ]
    left = share * sum(chances[1:])
    all_of_them, time = left, 0
    for rows, chance in enumerate(chances[1:], start=1):
        part = min(left, chance)
        time += part / rate_at(curve, rows)
        left -= part
    return all_of_them / time


def rate_at(curve, rows):
    """Linear between the points of `curve`, as runtime/core/hardware.h says it."""
    if rows <= curve[0][0]:
        return curve[0][1]
    for (low, below), (high, above) in zip(curve, curve[1:]):
        if rows <= high:
            return below + (above - below) * (rows - low) / (high - low)
    return curve[-1][1] * min(curve[-1][0] / rows, 1)


def span(values, digits=1):
    """The least and the most, for people."""
    values = sorted(values)
    return f"{values[0]:.{digits}f} to {values[-1]:.{digits}f}"


def rate_together(path):
    """GB/s that bus and CPU read at once in that profile, with experts of one row."""
    with open(path, encoding="utf-8") as file:
        shared = json.load(file).get("host_memory_shared_gb_s")
    return sum(shared["points"][0][1:]) if shared else math.nan


def main():
    """Runs the cases; the exit code says whether all of them ran."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin", type=pathlib.Path, help="folder of the tools")
    parser.add_argument("logs", type=pathlib.Path, help="folder for plans and output")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--hardware", type=pathlib.Path, help="this machine's hw.json")
    known.add_argument("--profile-rounds", type=int, default=0, metavar="N", help="see above")
    parser.add_argument("--routing", type=pathlib.Path, help="a recording of a model of this shape")
    parser.add_argument(
        "--within",
        type=float,
        metavar="PERCENT",
        help="end with 1 where a prediction is further off",
    )
    parser.add_argument("cases", nargs="*", metavar="BUDGET:N:EXPERTS")
    arguments = parser.parse_intermixed_args()
    if arguments.profile_rounds < 0:
        parser.error(f"--profile-rounds {arguments.profile_rounds}: expected 1 or more")
    arguments.logs.mkdir(parents=True, exist_ok=True)
    shipped = ROOT / "compiler/analysis/hardware/h200.json"
    runner = Runner(arguments.bin, arguments.logs, arguments.hardware or shipped, arguments.routing)
    failed = False
    try:
        if not (arguments.logs / MODEL).exists():
            script = ROOT / "tests/e2e/make_sparse_checkpoint.py"
            runner.run("model", sys.executable, "-B", script, MODEL, arguments.logs / MODEL)
        if not arguments.hardware and not arguments.profile_rounds:
            runner.hardware = runner.profile()
    except Failure as failure:
        sys.exit(str(failure))
    rounds = arguments.profile_rounds
    head = "| budget | n | missing experts | predicted ms | sim ms | measured ms | ratio |"
    line = "| -----: | -: | --- | ---: | ---: | ---: | ---: |"
    if rounds:
        head += " predicted | measured | GB/s | by its own rates |"
        line += " ---: | ---: | ---: | ---: |"
    print(head, line, sep="\n", flush=True)
    for case in arguments.cases or MATRIX:
        budget, batch, experts = case.split(":")
        try:
            row, off = runner.case(budget, int(batch), experts, rounds)
            print(row, flush=True)
            if arguments.within is not None and not 100 * off <= arguments.within:
                failed = True
                print(
                    f"{case}: {100 * off:.1f}% off, expected {arguments.within}% at most",
                    file=sys.stderr,
                )
        except Failure as failure:
            failed = True
            print(failure, file=sys.stderr)
            print(f"| {case} | | | | | failed | |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
