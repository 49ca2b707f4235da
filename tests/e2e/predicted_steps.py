"""What --explain predicts for a recording is what the simulator takes to replay it.

    python3 predicted_steps.py --bin build/bin [--filter NAME]

The demo model records its routing, whose layers stand for those of Qwen3-30B-A3B's shapes. A plan
compiled with that recording says what a step takes; the sim backend replays the recording in
virtual time, exactly and the same on every machine. Budgets, numbers of sequences and ways to
compute what is missing as in tools/gpu/predictions.py, whose cases and runs these are. A case may
end with a budget of host memory that does not hold all experts: the others are read from disk.
Of these some are without a recording, with uniform routing.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import make_sparse_checkpoint
from support import HERE, TestFailure, Tools, record_demo

ROOT = pathlib.Path(HERE).parents[1]
sys.path.insert(0, str(ROOT / "tools" / "gpu"))
import predictions as figures  # noqa: E402  pylint: disable=wrong-import-position

# A prediction may be off by this share of what the simulator takes.
MOST_OFF = 0.05
# The same where few are missing and shared: the engine tries the bus now and then where the CPU
# alone is expected to be quicker, and what comes so stays.
MOST_OFF_FEW, FEW = 0.08, ("h200:24GiB:1:split",)
# The same with experts on the disk, where one read takes as long as some 10 to 20 copies.
MOST_OFF_DISK = 0.08
CASES = """
h200:8GiB:1:fetch h200:16GiB:1:fetch h200:24GiB:1:fetch
h200:8GiB:1:split h200:16GiB:1:split h200:24GiB:1:split
h200:16GiB:16:fetch h200:8GiB:16:split h200:16GiB:16:split h200:16GiB:128:split
rtx_3060_12gb:8GiB:64:split rtx_3060_12gb:16GiB:128:split
h200:16GiB:1:fetch:48GiB h200:16GiB:1:fetch:32GiB h200:8GiB:1:fetch:16GiB
h200:16GiB:1:fetch:4GiB h200:16GiB:16:fetch:32GiB h200:8GiB:16:fetch:16GiB
h200:16GiB:1:split:32GiB h200:16GiB:16:split:32GiB h200:16GiB:1:host:32GiB
h200:16GiB:16:host:32GiB h200:8GiB:1:split:16GiB h200:16GiB:1:split:48GiB h200:16GiB:1:host:48GiB
h200:16GiB:16:host:48GiB h200:40GiB:1:fetch:52GiB
""".split()
UNIFORM = """
h200:16GiB:1:fetch:48GiB h200:16GiB:1:split:48GiB h200:16GiB:16:split:48GiB
h200:16GiB:16:host:32GiB h200:16GiB:128:host:32GiB h200:16GiB:128:split:32GiB
rtx_3060_12gb:8GiB:16:host:16GiB rtx_3060_12gb:8GiB:1:fetch:32GiB
""".split()
TOKENS = 96


def record(tools, work):
    """A recording of the demo's golden prompts and what follows them, for the larger shapes."""
    demo, plan = record_demo(tools, str(work), TOKENS), work / "shapes.plan"
    make_sparse_checkpoint.make(figures.MODEL, str(work / figures.MODEL))
    budget = ["--gpu-memory", "16GiB"]
    tools.check("sluice-compile", work / figures.MODEL, "-o", plan, *budget)
    described = work / "shapes.json"
    described.write_text(tools.check("sluice-dump", "--json", plan).stdout)
    script = ROOT / "tests" / "bench" / "stretch_routing.py"
    recording = work / "stretched.safetensors"
    command = [sys.executable, "-B", script, demo, described, recording]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TestFailure(f"stretch_routing.py: {done.stderr.strip()}")
    return recording


def check(runner, case):
    """Yields what does not hold of one case."""
    profile, budget, batch, experts, *host = case.split(":")
    case += "" if runner.routing else " uniform"
    runner.hardware = ROOT / "compiler" / "analysis" / "hardware" / f"{profile}.json"
    name = re.sub("[: ]", "-", case)
    plan, said = runner.compile(name, budget, int(batch), experts, *host)
    most_off = MOST_OFF_DISK if host else MOST_OFF_FEW if case in FEW else MOST_OFF
    if host and ", which come through a ring of" not in said:
        yield f"{case}: no expert is on the disk: the case shows nothing"
    flags = ["--backend", "sim", "--hardware", runner.hardware]
    row = runner.bench(name + ".sim", plan, int(batch), *flags)
    predicted, found = row["predicted_step_ms"], row["step_ms_mean"]
    print(f"{case}: {predicted:.2f} ms predicted, {found:.2f} simulated", flush=True)
    if row["expert_misses"] == 0:
        yield f"{case}: nothing is missing: the case shows nothing"
    if not abs(predicted / found - 1) <= most_off:
        yield (
            f"{case}: {predicted:.2f} ms a step predicted, expected within {most_off:.0%} of the"
            f" {found:.2f} ms that the simulator takes"
        )


def main():
    """Every case, or those asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--filter", default="", help="only cases whose names hold this")
    options = parser.parse_args()
    cases, uniform = ([case for case in of if options.filter in case] for of in (CASES, UNIFORM))
    if not cases + uniform:
        known = " ".join(CASES + UNIFORM)
        sys.exit(f"no case's name holds '{options.filter}', expected one of {known}")
    problems = []
    with tempfile.TemporaryDirectory(prefix="sluice-predictions-") as folder:
        work = pathlib.Path(folder)
        try:
            recording = record(Tools(options.bin), work)
            runner = figures.Runner(pathlib.Path(options.bin), work, None, recording)
            for case in cases:
                problems += check(runner, case)
            runner.routing = None
            for case in uniform:
                problems += check(runner, case)
        except (TestFailure, figures.Failure) as failure:
            problems.append(str(failure))
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
