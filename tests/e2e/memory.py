"""Plans take the memory they say, and budgets are kept to the byte.

    python3 memory.py --bin build/bin [--filter NAME]

1. Peak memory of sluice-run on the `cpu` backend, which keeps "device" memory on the host
   too: at most the plan's arenas and 5%, beside what the process itself takes (measured
   with the demo model in the same run). The model has 403 MB of experts, all zeros, and
   synthetic routing asks for every one of them.
2. The least that --gpu-memory and --host-memory may be: named by the error, which
   itemises it; it works and gives the tokens of a plan without limits; a byte less is
   refused with the same number.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

import make_sparse_checkpoint
from support import DEMO, TestFailure, Tools, read_json, write_json

MODEL = os.path.join(DEMO, "target")
SHAPE = {
    "bos_token_id": 0,
    "eos_token_id": 1,
    "hidden_size": 1024,
    "intermediate_size": 2048,
    "max_window_layers": 2,
    "moe_intermediate_size": 512,
    "num_attention_heads": 8,
    "num_experts": 64,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 1024,
}
EXPERT_BYTES = 2 * 64 * 3 * 1024 * 512 * 2
SIZES = ["--batch", 2, "--max-seq", 96, "--arithmetic", "portable"]
SMALLEST = re.compile(r"\(bytes: (.*)\); the smallest budget that works is (--\w+-memory) (\d+)")
ALLOWED, PROCESS_MOST = 1.05, 48 << 20  # of the arenas; bytes of the process itself
MODES = ("fetch", "split")
PROMPTS = [[5, 9, 2, 7], [3, 3, 8]]


def smallest(tools, model, flag, value, arguments, work):
    """The least that `flag` may be, from the error about `value`, which is too small."""
    plan = os.path.join(work, "never.plan")
    result = tools.run("sluice-compile", model, "-o", plan, *arguments, flag, value)
    lines, found = result.stderr.strip().split("\n"), SMALLEST.search(result.stderr)
    if result.returncode != 1 or len(lines) != 1 or not found or found.group(2) != flag:
        raise TestFailure(
            f"{flag} {value}: found exit code {result.returncode} and {lines[-1]!r}, "
            "expected one line that names the smallest budget"
        )
    if os.path.exists(plan):
        raise TestFailure(f"{flag} {value} is refused and yet leaves a plan")
    items = [int(item.split()[-1]) for item in found.group(1).split(",")]
    if sum(items) != int(found.group(3)):
        raise TestFailure(f"the items make {sum(items)} bytes: {lines[0]}")
    return int(found.group(3))


def arenas(tools, plan):
    """{name: bytes} of a plan's arenas."""
    listed = json.loads(tools.check("sluice-dump", plan, "--json").stdout)["arenas"]
    return {arena["name"]: arena["bytes"] for arena in listed}


def peak(tools, plan, work, extra=()):
    """Most memory that one run of a plan held at a time, in bytes."""
    prompts = os.path.join(work, "prompts.json")
    write_json(prompts, PROMPTS)
    # CUDA's libraries alone would be most of a small plan's memory.
    runner = tools.path(tools.runner("cpu"))
    command = [runner, plan, "--backend", "cpu", "--prompt-ids", prompts]
    command += ["--max-tokens", "48", "--ignore-eos", "--threads", "2", "--quiet", *extra]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read().decode(errors="replace").strip()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise TestFailure(f"exit code {process.returncode} of {' '.join(command)}\n{said}")
    # The kernel counts what a child had before it became the tool: us.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if usage.ru_maxrss <= own:
        raise TestFailure(f"the test itself holds {own} KiB: too much to measure a child by")
    return usage.ru_maxrss * 1024


class Peaks:
    """Part 1: what runs of plans hold."""

    def __init__(self, tools, work):
        self.tools, self.work = tools, work
        self.model = os.path.join(work, "zeros")
        make_sparse_checkpoint.PRESETS["zeros"] = SHAPE
        make_sparse_checkpoint.make("zeros", self.model)
        plan = os.path.join(work, "demo.plan")
        tools.check("sluice-compile", MODEL, "-o", plan, *SIZES)
        self.process = peak(tools, plan, work) - sum(arenas(tools, plan).values())
        if not 0 < self.process < PROCESS_MOST:
            raise TestFailure(f"the process itself takes {self.process} bytes beside its plan")

    def hold(self, name, flags):
        """One plan of the large model; yields what is wrong."""
        plan = os.path.join(self.work, "zeros.plan")
        sizes = ["--batch", 2, "--max-seq", 512]
        budget = smallest(self.tools, self.model, "--gpu-memory", 1, sizes, self.work)
        arguments = [*sizes, "--gpu-memory", budget + (160 << 20), *flags]
        if name != "host memory for all":
            least = smallest(self.tools, self.model, "--host-memory", 1, arguments, self.work)
            share = 0.5 if name == "half on disk" else 0
            arguments += ["--host-memory", least + int(share * EXPERT_BYTES)]
        self.tools.check("sluice-compile", self.model, "-o", plan, *arguments)
        parts, routing = arenas(self.tools, plan), ["--routing", "synthetic:repeat=0,skew=0,seed=1"]
        expected, found = sum(parts.values()), peak(self.tools, plan, self.work, routing)
        print(f"  {found >> 20} MiB; arenas {expected >> 20} MiB, process {self.process >> 20} MiB")
        if found > expected * ALLOWED + self.process:
            yield f"{found} bytes at most, expected {expected} of the arenas + 5% + {self.process}"
        # What surely is touched; a measurement that misses it would hold anything.
        touched = parts["experts"] + parts.get("images", 0)
        if found < touched:
            yield f"{found} bytes at most, but experts alone take {touched}"


def tokens(tools, plan, work):
    """Greedy tokens of a plan."""
    prompts, ids = (os.path.join(work, name) for name in ("prompts.json", "ids.json"))
    write_json(prompts, PROMPTS)
    inputs = ["--backend", "cpu", "--prompt-ids", prompts, "--max-tokens", 12, "--ignore-eos"]
    tools.check("sluice-run", plan, *inputs, "--ids-out", ids)
    return read_json(ids)


def floors(tools, work):
    """Part 2: yields what is wrong with the smallest budgets of the demo model."""
    full, plan = os.path.join(work, "full.plan"), os.path.join(work, "least.plan")
    tools.check("sluice-compile", MODEL, "-o", full, *SIZES)
    wanted = tokens(tools, full, work)
    arguments = list(SIZES)
    for flag in ("--gpu-memory", "--host-memory"):
        least = smallest(tools, MODEL, flag, 1, arguments, work)
        if (again := smallest(tools, MODEL, flag, least - 1, arguments, work)) != least:
            yield f"{flag} {least - 1} names {again}, {flag} 1 named {least}"
        arguments += [flag, least]
        tools.check("sluice-compile", MODEL, "-o", plan, *arguments)
        if (found := tokens(tools, plan, work)) != wanted:
            yield f"{flag} {least}: {found}, expected {wanted} as without limits"


def main():
    """Both parts, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--filter", default="", help="only cases whose names hold this")
    options = parser.parse_args()
    tools, failed, count = Tools(options.bin), 0, 0
    with tempfile.TemporaryDirectory(prefix="sluice-memory-") as work:
        peaks = None
        places = ("host memory for all", "half on disk", "all on disk")
        cases = [(f"{place}, experts {mode}", place, mode) for place in places for mode in MODES]
        for name, place, mode in [*cases, ("smallest budgets", None, None)]:
            if options.filter not in name:
                continue
            try:
                if place:
                    peaks = peaks or Peaks(tools, work)
                    problems = list(peaks.hold(place, ["--experts", mode]))
                else:
                    problems = list(floors(tools, work))
            except TestFailure as failure:
                problems = [str(failure)]
            count, failed = count + 1, failed + bool(problems)
            print(f"{name}: {'; '.join(problems) or 'holds'}", flush=True)
    print(f"{count - failed} of {count} hold")
    sys.exit(failed > 0 or count == 0)


if __name__ == "__main__":
    main()
