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
COLUMNS = ["model", "size", "params", "backend", "budget", "n", "test", "t/s", "P50 ms", "P95 ms"]
COLUMNS += ["hit %", "GB/token"]
MOVING = ["wasted GB/token", "bus GB/s", "bus %"]
THEORY_COLUMNS = ["n", "unique experts", "I/O ms/layer", "attn ms/layer", "tok/s", "speed-up"]
RUN_COLUMNS = ["backend", "unique, run", "missing, run", "I/O ms, run", "tok/s, run"]
RUN_COLUMNS += ["speed-up, run", "routing"]
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
    "theory of a plan with prompts": (["PLAN", "--theory", "-p", "8"], "-p is '8'"),
    "theory of a backend alone": (["--theory", "--backend", "cpu"], "--backend is of a run"),
    "theory of a length alone": (["--theory", "-n", "4"], "--n-gen is of a run"),
    "theory and sweep": (["PLAN", "--theory", "--sweep", "n"], "--theory"),
    "sweep of prompts": (["PLAN", "--sweep", "n", "-p", "8"], "-p is '8'"),
    "sweep of nothing": (["PLAN", "--sweep", "n", "-n", "0"], "-n is '0'"),
    "sweep of lengths": (["PLAN", "--sweep", "n", "-n", "4,8"], "-n is '4,8'"),
    "sweep of depths": (["PLAN", "--sweep", "n", "-d", "0,8"], "-d is '0,8'"),
    "policies and one of them": (["--policies", "x", "--policy", "lru"], "--policy"),
    "policies on a backend": (["--policies", "x", "--backend", "cpu"], "--backend"),
    "policies of the theory": (["--policies", "x", "--theory"], "--theory"),
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
    columns = [*COLUMNS, "routing"]
    expect(rows[0] == columns, f"columns {rows[0]}, expected {columns}")
    found = [(int(row[5]), row[6]) for row in rows[1:]]
    expect(found == expected_tests(), f"rows {found}, expected {expected_tests()}")
    for row in rows[1:]:
        expect(row[0] == "target" and row[2] == "10.36 M", f"another model: {row}")
        expect(re.match(r"^\d+\.\d\d MiB$", row[1]), f"no size: {row}")
        expect(row[4] == "none", f"a budget that was not given: {row}")
        expect(SPEED.match(row[7]), f"no speed: {row}")
        expect(0 < float(row[8]) <= float(row[9]), f"no latencies: {row}")
        expect(row[10:] == ["100.0", "0.0000", "model"], f"experts moved: {row}")
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
    check_policies(tools, routing)
    # Virtual time knows no noise: two runs are alike, and n pays as the union says.
    sweep = ["--backend", "sim", "--routing", UNIFORM, "--sweep", "n"]
    rows = bench(*sweep)
    expect([row["n"] for row in rows] == [1, 4, 8], f"swept {[row['n'] for row in rows]}")
    expect(rows == bench(*sweep), "two simulations differ")
    expect(rows[0]["speedup"] == 1 and rows[2]["speedup"] > 1, f"no gain of n: {rows}")
    check_theory_beside_run(tools, plan, rows)
    check_moving_table(tools, plan)
    check_predictions(tools, plan, work)
    refused = tools.run("sluice-bench", plan, *shape, "--backend", "sim")
    expect(refused.returncode == 1 and "--routing" in refused.stderr, "sim without routing")


def check_policies(tools, routing):
    """The same hit rates as Markdown, CSV and JSON; none is above Belady's."""

    def run(form):
        flags = ["--policies", routing, "-b", "1,2", "-o", form]
        return tools.check("sluice-bench", *flags).stdout

    table, records = markdown(run("md")), json.loads(run("json"))
    policies = ["lru", "lfu", "lfru", "next_use"]
    expect(table[0] == ["n", "resident", "slots", *policies, "Belady"], f"columns {table[0]}")
    found = [(record["n"], record["resident_share"], record["slots"]) for record in records]
    pools = [(0.2, 153), (0.4, 307), (0.6, 460)]  # of 6 x 128 experts
    expect(found == [(n, *pool) for n in (1, 2) for pool in pools], f"rows {found}")
    for cells, record in zip(table[1:], records, strict=True):
        rates = [record[f"{name}_hit_rate"] for name in [*policies, "belady"]]
        expect(0 < max(rates) == rates[-1] <= 1, f"a policy beats the optimum: {record}")
        expect(cells[3:] == [f"{100 * rate:.2f} %" for rate in rates], f"{cells} is not {record}")
    rows = list(csv.DictReader(io.StringIO(run("csv"))))
    numbers = [{key: float(value) for key, value in row.items()} for row in rows]
    expect(numbers == records, f"CSV {numbers} is not {records}")


def check_theory_beside_run(tools, plan, swept):
    """Beside the formula stands what `swept`, the sweep on sim, gave; nothing beyond the plan."""
    flags = ["--theory", "-n", "4", "-r", "2", "--backend", "sim", "--routing", UNIFORM]

    def run(*more):
        return tools.check("sluice-bench", plan, *flags, *more).stdout

    records = json.loads(run("-o", "json"))
    expect([record["n"] for record in records] == list(THEORY), "other numbers of sequences")
    pairs = [("avg_ts", "run_tok_s"), ("speedup", "run_speedup"), ("step_ms_mean", "run_step_ms")]
    pairs += [("missing_experts_a_layer", "run_missing_experts"), ("routing", "routing")]
    pairs += [("unique_experts_a_layer", "run_unique_experts"), ("backend", "backend")]
    for row, record in zip(swept, records):
        for ours, theirs in pairs:
            expect(row[ours] == record[theirs], f"{theirs} is {record[theirs]}, swept {row[ours]}")
        expect(row["unique_experts_theory"] == record["unique_experts"], "another theory")
        # Routing is uniform: the union is what the formula expects of it.
        ratio = record["run_unique_experts"] / record["unique_experts"]
        expect(abs(ratio - 1) < 0.1, f"n = {row['n']}: {ratio} of the expected union")
        expect(record["run_missing_experts"] < record["run_unique_experts"], "none is resident")
        # Bytes over the bus's rate: the part of a layer's time that moving them must take.
        layer_ms = record["run_step_ms"] / LAYERS
        expect(0 < record["run_io_ms"] < layer_ms, f"{record['run_io_ms']} ms of {layer_ms}")
    keys = ["backend", "routing", *(key for key in records[0] if key.startswith("run_"))]
    for record in records[len(swept) :]:
        expect(all(record[key] is None for key in keys), f"beyond the plan: {record}")
    # A table without n = 1 is compared with it all the same.
    (alone,) = json.loads(run("-b", 8, "-o", "json"))
    over = alone["run_tok_s"] / alone["run_speedup"]
    same = abs(over / records[0]["run_tok_s"] - 1) < 1e-9
    expect(same, f"a speed-up over {over}, not over {records[0]}")
    rows = markdown(run())
    expect(rows[0] == THEORY_COLUMNS + RUN_COLUMNS, f"columns {rows[0]}")
    shown = [f"{records[2][f'run_{key}']:.2f}" for key in ("unique_experts", "missing_experts")]
    expect(rows[3][6:9] == ["sim", *shown], f"{rows[3]}, expected {shown}")
    expect(rows[4][6:] == ["-"] * len(RUN_COLUMNS), f"beyond the plan: {rows[4]}")
    lines = list(csv.DictReader(io.StringIO(run("-o", "csv"))))
    expect(list(lines[0]) == list(records[0]), f"keys {list(lines[0])}")
    expect(float(lines[1]["run_tok_s"]) == records[1]["run_tok_s"], f"CSV has {lines[1]}")
    expect(lines[-1]["run_tok_s"] == "", f"beyond the plan: {lines[-1]}")


def check_moving_table(tools, plan):
    """Cells for people are the record's figures, also what only moving experts have."""
    flags = ["-p", 8, "-n", 4, "-b", 8, "-r", 2, "--backend", "sim", "--routing", UNIFORM]

    def run(*more):
        return tools.check("sluice-bench", plan, *flags, *more).stdout

    for more in ([], ["--bubbles"]):
        rows, records = markdown(run(*more)), json.loads(run(*more, "-o", "json"))
        columns = [*COLUMNS, *MOVING, *(["bubbles %"] if more else []), "routing"]
        expect(rows[0] == columns, f"columns {rows[0]}, expected {columns}")
        for row, record in zip(rows[1:], records, strict=True):
            tokens = 8 * (record["n_gen"] or record["n_prompt"]) * record["repetitions"]
            wanted = {
                "P50 ms": f"{record['step_ms_p50']:.3f}",
                "P95 ms": f"{record['step_ms_p95']:.3f}",
                "hit %": f"{100 * record['expert_hit_rate']:.1f}",
                "GB/token": f"{record['expert_bytes_moved'] / 1e9 / tokens:.4f}",
                "wasted GB/token": f"{record['expert_bytes_wasted'] / 1e9 / tokens:.4f}",
                "bus GB/s": f"{record['bus_gb_s']:.2f}",
            }
            if more:
                wanted["bubbles %"] = f"{100 * record['bubble_share']:.1f}"
            cells = dict(zip(columns, row, strict=True))
            found = {name: cells[name] for name in wanted}
            expect(found == wanted, f"{found}, expected {wanted}")


def check_predictions(tools, plan, work):
    """A predicted step stands only beside steps of as many sequences as it is of."""
    flags = ["-p", 8, "-n", 4, "-b", "1,8", "-r", 1, "--backend", "cpu", "-o", "json"]
    records = json.loads(tools.check("sluice-bench", plan, *flags).stdout)
    steps = {(r["n"], r["test"]): r["predicted_step_ms"] for r in records}
    predicted = steps.pop((8, "tg4"))
    expect(predicted is not None and predicted > 0, "no prediction for the plan's own n")
    expect(set(steps.values()) == {None} and len(steps) == 3, f"predictions for others: {steps}")
    ids, metrics = (os.path.join(work, name) for name in ("ids.json", "metrics.json"))
    for prompts, routing in [(8, "model"), (2, UNIFORM)]:
        write_json(ids, [[1, 2, 3]] * prompts)
        flags = ["--prompt-ids", ids, "--max-tokens", 4, "--ignore-eos", "--metrics", metrics]
        flags += ["--backend", "cpu", "--routing", routing]
        said = tools.check("sluice-run", plan, *flags).stderr
        figures = read_json(metrics)
        wanted = predicted if prompts == 8 else None
        found = figures["predicted_step_ms"]
        expect(found == wanted, f"{prompts} prompts: {found} predicted, expected {wanted}")
        expect((", predicted" in said) == (prompts == 8), f"{prompts} prompts: {said}")
        # Replaced routing is said, also to who wants it quiet.
        expect(figures["routing"] == routing, f"routing is {figures['routing']}")
        quiet = tools.check("sluice-run", plan, *flags, "--quiet").stderr
        for text in (said, quiet):
            warned = f"routing is {routing}, not the model's: its tokens mean nothing" in text
            expect(warned == (routing != "model"), f"routing {routing}: {text}")


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
    # Of a plan whose experts stay: nobody counts unions, nothing is missing.
    flags = ["--backend", "cpu", "-b", 3, "-n", 2, "-r", 1, "-o", "json"]
    (record,) = json.loads(tools.check("sluice-bench", plan, "--theory", *flags).stdout)
    shape = (record["experts"], record["top_k"], record["layers"])
    expect(shape == (128, TOP_K, LAYERS), f"the plan's shape is not {shape}")
    expect(record["run_tok_s"] > 0 and record["run_speedup"] > 0, f"nothing ran: {record}")
    found = [record[f"run_{key}"] for key in ("unique_experts", "missing_experts", "io_ms")]
    expect(found == [None, 0, None], f"experts that stay: {found}")
    flags = ["--backend", "cpu", "-b", f"1,{BATCH}", "-n", 2, "-r", 1]
    rows = markdown(tools.check("sluice-bench", plan, "--sweep", "n", *flags).stdout)
    at = rows[0].index("hit %")
    expect([row[at] for row in rows[1:]] == ["100.0"] * 2, f"all are resident: {rows}")


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
    config = os.path.join(DEMO, "target", "config.json")
    recording = "expects a routing recording (safetensors"
    cases.append(("policies on a config", ["--policies", config], recording, 1))
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
