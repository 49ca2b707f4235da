"""sluice-bench: its tables, its sweeps, its refusals and the theory's numbers.

    python3 bench.py --bin build/bin [--backend cuda]

On the demo model. No time is judged: only that every row, key and count is there.
"""

import argparse
import csv
import io
import json
import os
import re
import sys
import tempfile

from support import DEMO, TestFailure, Tools, read_json, write_json

BATCH, MAX_SEQ = 3, 64
LAYERS, TOP_K, VOCABULARY = 6, 8, 2048
COLUMNS = ["model", "size", "params", "backend", "budget", "n", "test", "t/s", "hit %"]
COLUMNS += ["GB/token", "bus GB/s", "bus %", "routing"]
UNIFORM = "synthetic:repeat=0,skew=0,seed=7"
SPEED = re.compile(r"^\d+\.\d\d ± \d+\.\d\d$")
# n: unique experts, I/O ms a layer, aggregate tok/s, speed-up; from exact fractions.
THEORY = {
    1: ("8.00", "3.096", "6.73", "1.00"),
    4: ("29.12", "11.271", "7.39", "1.10"),
    8: ("51.62", "19.977", "8.34", "1.24"),
    16: ("82.42", "31.898", "10.45", "1.55"),
    32: ("111.77", "43.255", "15.41", "2.29"),
    64: ("125.94", "48.740", "27.36", "4.07"),
    128: ("127.97", "49.523", "53.85", "8.00"),
}
QUOTED = {4: 1.08, 8: 1.26, 16: 1.54, 32: 2.33, 64: 4.15, 128: 7.88}
BAD_USAGE = {
    "no plan": ([], "plan"),
    "unknown flag": (["PLAN", "--no-such-flag"], "--no-such-flag"),
    "unknown format": (["PLAN", "-o", "xml"], "--output"),
    "unknown backend": (["PLAN", "--backend", "abacus"], "--backend"),
    "batch of none": (["PLAN", "-b", "1,0"], "-b"),
    "sweep with a gap": (["PLAN", "-p", "8,,4"], "-p"),
    "sweep that ends in a comma": (["PLAN", "-n", "8,"], "-n"),
    "length in words": (["PLAN", "-n", "many"], "-n"),
    "negative depth": (["PLAN", "-d=-1"], "-d"),
    "length that overflows": (["PLAN", "-p", "4294967296"], "-p"),
    "no repetitions": (["PLAN", "-r", "0"], "-r"),
    "nothing to measure": (["PLAN", "-p", "0", "-n", "0"], "nothing to measure"),
    "a theory's flag alone": (["PLAN", "--io-ms", "2"], "--theory"),
    "more experts a token than there are": (["--theory", "--top-k", "129"], "--top-k"),
    "free transfers": (["--theory", "--io-ms", "0"], "--io-ms"),
    "unknown policy": (["PLAN", "--policy", "coin"], "--policy"),
    "unknown sweep": (["PLAN", "--sweep", "m"], "--sweep"),
    "policies of a plan": (["PLAN", "--policies", "x"], "--policies"),
    "theory of a plan and its own": (["PLAN", "--theory", "--layers", "2"], "--layers"),
}
REFUSED = {
    "more sequences than the plan's": (["-b", f"1,{BATCH + 1}", "-p", "8", "-n", "0"], "--batch"),
    "longer than the plan": (["-p", str(MAX_SEQ + 1), "-n", "0"], "--max-seq"),
    "generates beyond the plan": (["-p", "0", "-n", str(MAX_SEQ + 1)], "--max-seq"),
    "deeper than the plan": (["-p", "8", "-n", "0", "-d", str(MAX_SEQ - 7)], "--max-seq"),
    "the largest number": (["-p", "4294967295", "-n", "0", "-d", "4294967295"], "--max-seq"),
    "routing of no kind": (["-p", "8", "-n", "0", "--routing", "dice"], "routing"),
    "hardware of a real machine": (
        ["-p", "8", "-n", "0", "--backend", "cpu", "--hardware", "x"],
        "--hardware",
    ),
    "no such ids": (["-p", "8", "-n", "0", "--prompt-ids", "nothing.json"], "nothing.json"),
}


def expect(holds, message):
    """Raises what does not hold."""
    if not holds:
        raise TestFailure(message)


def markdown(text):
    """The cells of a table, its header first; the rule is checked and left out."""
    lines = text.strip().split("\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    expect(len(rows) > 2, f"no table on stdout: {text[:200]!r}")
    expect(all(re.match("^-+:?$", cell) for cell in rows[1]), f"no rule: {lines[1]!r}")
    return [rows[0], *rows[2:]]


def expected_tests():
    """(n, test) in the order of the sweep that `check_sweep` runs."""
    lengths = [("pp", "9"), ("pp", "3"), ("tg", "4")]
    depths = [("0", ""), ("5", " @ d5")]
    return [
        (n, kind + length + at) for n in (1, BATCH) for _, at in depths for kind, length in lengths
    ]


SWEEP = ["-p", "9,3", "-n", "4", "-d", "0,5", "-b", f"1,{BATCH}", "-r", "2"]


def check_markdown(run):
    """Columns, rows and cells for people."""
    rows = markdown(run(*SWEEP).stdout)
    expect(rows[0] == COLUMNS, f"columns {rows[0]}, expected {COLUMNS}")
    found = [(int(row[5]), row[6]) for row in rows[1:]]
    expect(found == expected_tests(), f"rows {found}, expected {expected_tests()}")
    for row in rows[1:]:
        expect(row[0] == "target" and row[2] == "10.36 M", f"another model: {row}")
        expect(re.match(r"^\d+\.\d\d MiB$", row[1]), f"no size: {row}")
        expect(row[4] == "none", f"a budget that was not given: {row}")
        expect(SPEED.match(row[7]), f"no speed: {row}")
        expect(row[8:] == ["100.0", "0.0000", "0.00", "-", "model"], f"experts moved: {row}")
    quiet = run("-p", "2", "-n", "0", "-r", "1").stdout
    expect(markdown(quiet)[1][6] == "pp2", f"-n 0 still runs: {quiet}")


def check_json(run, backend):
    """Every record of the same sweep."""
    records = json.loads(run(*SWEEP, "-o", "json").stdout)
    found = [(record["n"], record["test"]) for record in records]
    expect(found == expected_tests(), f"records {found}, expected {expected_tests()}")
    for record in records:
        n, generates = record["n"], record["test"].startswith("tg")
        tokens = record["n_gen" if generates else "n_prompt"]
        expect(record["backend"] == backend, f"backend {record['backend']}")
        expect(record["repetitions"] == len(record["samples_ts"]) == 2, "other repetitions")
        expect(record["avg_ts"] > 0 and record["stddev_ts"] >= 0, "no speed")
        steps = 2 * (tokens if generates else 1)  # a prefill step takes 64 rows and more
        expect(record["steps"] == steps, f"{record['steps']} steps, expected {steps}")
        order = 0 < record["step_ms_p50"] <= record["step_ms_p95"]
        expect(order, f"percentiles {record['step_ms_p50']}, {record['step_ms_p95']}")
        hits = 2 * n * tokens * LAYERS * TOP_K
        expect(record["expert_hits"] == hits, f"{record['expert_hits']} hits, expected {hits}")
        expect(record["expert_misses"] == 0 and record["expert_hit_rate"] == 1, "misses")
        expect(record["expert_bytes_moved"] == record["gb_per_token"] == 0, "bytes moved")
        expect(record["budget_bytes"] is None, "a budget that was not given")
    return records


def check_csv(run, records):
    """The same keys as the records, but for the samples, and numbers that parse."""
    rows = list(csv.DictReader(io.StringIO(run(*SWEEP, "-o", "csv").stdout)))
    keys = [key for key in records[0] if key != "samples_ts"]
    expect(list(rows[0]) == keys, f"keys {list(rows[0])}, expected {keys}")
    found = [(int(row["n"]), row["test"]) for row in rows]
    expect(found == expected_tests(), f"rows {found}, expected {expected_tests()}")
    for row in rows:
        for key in ("avg_ts", "step_ms_p50", "step_ms_p95", "expert_hits", "expert_hit_rate"):
            float(row[key])
        expect(row["plan_options"].startswith("--batch 3"), "options fell apart")


def check_trace(run, work):
    """What --trace-out writes, --prompt-ids reads; a batch does not run on one text."""
    first, second = (os.path.join(work, name) for name in ("first.json", "second.json"))
    shape = ["-p", "24", "-n", "8", "-d", "8", "-b", f"1,{BATCH}", "-r", "1"]
    run(*shape, "--trace-out", first)
    lists = read_json(first)
    expect([len(one) for one in lists] == [32] * BATCH, "a trace of another shape")
    expect(len({tuple(one) for one in lists}) == BATCH, "sequences of one text")
    expect(all(0 <= t < VOCABULARY for one in lists for t in one), "tokens out of range")
    expect(all(len(set(one)) > 8 for one in lists), "a text that repeats itself")
    run(*shape, "--trace-out", second)
    expect(read_json(second) == lists, "another run makes another trace")
    run(*shape, "--prompt-ids", first, "--trace-out", second)
    expect(read_json(second) == lists, "--prompt-ids does not read what --trace-out writes")
    # One short list: sequences start at other places of it and go round.
    write_json(first, [5, 6, 7, 8, 9, 10])
    run("-p", "4", "-n", "0", "-b", str(BATCH), "--prompt-ids", first, "--trace-out", second)
    wanted = [[5, 6, 7, 8], [7, 8, 9, 10], [9, 10, 5, 6]]
    expect(read_json(second) == wanted, f"{read_json(second)}, expected {wanted}")


def check_moving(tools, work):
    """A plan whose experts move: counters, replaced routing, the sweep, the sim backend."""
    plan, routing = os.path.join(work, "moving.plan"), os.path.join(work, "routing.safetensors")
    model = os.path.join(DEMO, "target")
    sizes = ["--batch", 8, "--max-seq", MAX_SEQ, "--experts", "fetch"]
    tools.check("sluice-compile", model, "-o", plan, *sizes, "--gpu-memory", "781MiB")
    shape = ["-p", "0", "-n", "4", "-r", "2", "-o", "json"]

    def bench(*flags):
        return json.loads(tools.check("sluice-bench", plan, *shape, *flags).stdout)

    (record,) = bench("--backend", "cpu", "-b", 8, "--bubbles")
    asked = record["expert_hits"] + record["expert_misses"]
    steps = record["steps"]
    # 8 rows of 8 distinct experts: a union of 8 to 64 a layer.
    expect(8 * LAYERS * steps <= asked <= 64 * LAYERS * steps, f"{asked} demands in {steps} steps")
    expect(record["expert_misses"] > 0 and record["expert_bytes_moved"] > 0, "nothing moved")
    expect(record["routing"] == "model" and record["budget_bytes"] == 781 << 20, "other facts")
    expect(0 <= record["bubble_share"] <= 1 and 0 < record["bus_busy_share"] <= 1, "no shares")
    expect(record["bus_gb_s_ceiling"] > 0, "no ceiling of the bus")
    # What was recorded of a run can be replayed, and replays are alike.
    ids = os.path.join(work, "ids.json")
    write_json(ids, [[1, 2, 3, 4, 5], [6, 7, 8]])
    prompts = ["--prompt-ids", ids, "--max-tokens", 12, "--ignore-eos"]
    tools.check("sluice-run", plan, "--backend", "cpu", *prompts, "--record-routing", routing)
    replay = ["--backend", "cpu", "-b", 2, "--routing", f"replay:{routing}"]
    (first,), (second,) = bench(*replay), bench(*replay)
    for key in ("expert_hits", "expert_misses", "expert_bytes_moved"):
        expect(first[key] == second[key], f"two replays differ in {key}")
    expect(first["routing"] == f"replay:{routing}", "the output hides that routing is replaced")
    table = tools.check("sluice-bench", "--policies", routing, "-b", "1,2").stdout
    expect("next_use" in table and "Belady" in table, f"no policies in {table[:300]!r}")
    # Virtual time knows no noise: two runs are alike, and n pays as the union says.
    sweep = ["--backend", "sim", "--routing", UNIFORM, "--sweep", "n"]
    rows = bench(*sweep)
    expect([row["n"] for row in rows] == [1, 4, 8], f"swept {[row['n'] for row in rows]}")
    expect(rows == bench(*sweep), "two simulations differ")
    expect(rows[0]["speedup"] == 1 and rows[2]["speedup"] > 1, f"no gain of n: {rows}")
    refused = tools.run("sluice-bench", plan, *shape, "--backend", "sim")
    expect(refused.returncode == 1 and "--routing" in refused.stderr, "sim without routing")


def check_theory(tools, plan):
    """The table of the defaults, other parameters, and a plan's own."""
    rows = markdown(tools.check("sluice-bench", "--theory").stdout)
    found = {int(row[0]): (row[1], row[2], row[4], row[5]) for row in rows[1:]}
    expect(found == THEORY, f"{found}, expected {THEORY}")
    records = json.loads(tools.check("sluice-bench", "--theory", "-o", "json").stdout)
    for record in records[1:]:
        ratio = record["speedup"] / QUOTED[record["n"]]
        expect(abs(ratio - 1) < 0.021, f"n = {record['n']}: {ratio:.3f} of the quoted speed-up")
    # Two of four experts twice are 3; an attention of 2 ms each is slower than 3 x 1 ms.
    flags = ["--num-experts", 4, "--top-k", 2, "--layers", 10, "--io-ms", 1, "--attention-ms", 2]
    result = tools.check("sluice-bench", "--theory", "-b", "2", "-o", "csv", *flags)
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    names = ("n", "unique_experts", "layer_ms", "tok_s", "speedup")
    wanted = [2, 3, 4, 50, 1]
    expect([float(row[name]) for name in names] == wanted, f"{row}, expected {wanted}")
    (record,) = json.loads(
        tools.check("sluice-bench", plan, "--theory", "-b", 1, "-o", "json").stdout
    )
    shape = (record["experts"], record["top_k"], record["layers"])
    expect(shape == (128, TOP_K, LAYERS), f"the plan's shape is not {shape}")


def check_refusals(tools, plan, work):
    """Exit codes and the line that says why; nothing on stdout."""
    bad_ids = os.path.join(work, "bad.json")
    write_json(bad_ids, [[1, VOCABULARY]])
    refused = REFUSED | {
        "token beyond the vocabulary": (
            ["-p", "8", "-n", "0", "--prompt-ids", bad_ids],
            str(VOCABULARY - 1),
        )
    }
    cases = [(name, flags, says, 2) for name, (flags, says) in BAD_USAGE.items()]
    cases += [(name, ["PLAN", *flags], says, 1) for name, (flags, says) in refused.items()]
    cases.append(("no such plan", ["nothing.plan"], "nothing.plan", 1))
    for name, flags, says, code in cases:
        flags = [plan if flag == "PLAN" else flag for flag in flags]
        result = tools.run("sluice-bench", *flags)
        expect(result.returncode == code, f"{name}: exit code {result.returncode}, not {code}")
        expect(result.stdout == "", f"{name}: {result.stdout[:100]!r} on stdout")
        errors = [line for line in result.stderr.split("\n") if "error" in line]
        lines = result.stderr.split("\n") if code == 2 else errors
        expect(any(says in line for line in lines), f"{name}: no '{says}' in {result.stderr!r}")
        expect(code == 2 or len(errors) == 1, f"{name}: {len(errors)} error lines")


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    options = parser.parse_args()
    tools = Tools(options.bin)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as work:
        plan = os.path.join(work, "demo.plan")
        tools.compile(os.path.join(DEMO, "target"), plan, BATCH, MAX_SEQ)

        def run(*flags):
            return tools.check("sluice-bench", plan, "--backend", options.backend, *flags)

        try:
            check_markdown(run)
            check_csv(run, check_json(run, options.backend))
            check_trace(run, work)
            if options.backend == "cpu":
                check_moving(tools, work)
            check_theory(tools, plan)
            check_refusals(tools, plan, work)
        except TestFailure as failure:
            sys.exit(f"sluice-bench: {failure}")
    print("sluice-bench: tables, sweeps, traces, theory and refusals hold")


if __name__ == "__main__":
    main()
