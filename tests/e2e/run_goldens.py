"""Compiles and runs the golden checkpoints and compares every result.

    python3 run_goldens.py --bin build/bin
    python3 run_goldens.py --bin build/bin --filter yarn --backend cuda \
        --extra-compile-args "--arithmetic portable"

For each checkpoint: greedy tokens equal; expert ids equal at every position the golden
holds; ||logits - golden|| / ||golden|| at each prompt's last position at most 1e-4, and
the same bound for the experts' weights. Prints one line a checkpoint and a summary;
exits with 1 when anything differs.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time

from support import (
    CHECKPOINTS,
    DEMO,
    TestFailure,
    Tools,
    generate,
    read_json,
    read_safetensors,
    relative_error,
)

BOUND = 1e-4


def golden_models():
    """(name, model folder, golden folder) of the demo model and of every small checkpoint."""
    yield "demo", os.path.join(DEMO, "target"), DEMO
    for name in sorted(os.listdir(CHECKPOINTS)):
        folder = os.path.join(CHECKPOINTS, name)
        if os.path.exists(os.path.join(folder, "golden.json")):
            yield name, folder, folder


def compare_routing(index, prompt, continuation, routing, golden):
    """Yields what differs between recorded and golden routing of prompt `index`."""
    tokens = prompt + continuation[:-1]
    for position, token in enumerate(tokens):
        if (index, position) not in routing:
            yield f"prompt {index}: no routing recorded at position {position}"
            return
        found = routing[index, position][0]
        if found != token:
            yield f"prompt {index}: token {found} recorded at position {position}, not {token}"
            return
    last = len(prompt) - 1
    wanted = {last: tuple(golden[f"experts.{index}"].values())}
    if f"all_experts.{index}" in golden:
        wanted |= dict(enumerate(golden[f"all_experts.{index}"].rows()))
    for position, experts in wanted.items():
        found = routing[index, position][1]
        if found != experts:
            yield f"prompt {index}: experts {found} at position {position}, not {experts}"
            return
    weights = routing[index, last][2]
    error = relative_error(weights, golden[f"expert_weights.{index}"].values())
    if not error <= BOUND:
        yield f"prompt {index}: expert weights differ by {error:.1e}"


def compare(prompts, golden, found):
    """(list of what differs, the largest relative error of the logits)."""
    problems, worst = [], 0.0
    if len(found.ids) != len(prompts):
        return [f"{len(found.ids)} results for {len(prompts)} prompts"], worst
    for index, entry in enumerate(prompts):
        wanted, ids = entry["continuation_ids"], found.ids[index]
        if ids != wanted:
            pairs = enumerate(zip(ids, wanted))
            first = next((i for i, (a, b) in pairs if a != b), min(len(ids), len(wanted)))
            problems.append(f"prompt {index}: other tokens from index {first} on")
        error = relative_error(found.logits[index].values(), golden[f"logits.{index}"].values())
        worst = max(worst, error)
        if not error <= BOUND:
            problems.append(f"prompt {index}: logits differ by {error:.1e}, over {BOUND:.0e}")
        problems += compare_routing(index, entry["prompt_ids"], wanted, found.routing, golden)
    return problems, worst


def run_model(tools, model, golden_dir, options):
    """Compiles and runs one model: (problems, worst logits error)."""
    prompts = read_json(os.path.join(golden_dir, "golden.json"))["prompts"]
    golden = read_safetensors(os.path.join(golden_dir, "golden.safetensors"))
    tokens = len(prompts[0]["continuation_ids"])
    longest = max(len(entry["prompt_ids"]) for entry in prompts)
    with tempfile.TemporaryDirectory(prefix="sluice-golden-") as work:
        plan = os.path.join(work, "model.plan")
        extra = shlex.split(options.extra_compile_args)
        tools.compile(model, plan, len(prompts), longest + tokens, extra)
        ids = [entry["prompt_ids"] for entry in prompts]
        return compare(prompts, golden, generate(tools, plan, ids, tokens, work, options.backend))


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--extra-compile-args", default="", metavar="'--flag ...'")
    parser.add_argument("--filter", default="", help="only names that contain this")
    parser.add_argument("--skip-demo", action="store_true", help="only the small checkpoints")
    return parser.parse_args()


def main():
    """Runs every chosen model."""
    options = parse_arguments()
    tools, failed, count = Tools(options.bin), [], 0
    for name, model, golden_dir in golden_models():
        if options.filter not in name or (options.skip_demo and name == "demo"):
            continue
        count += 1
        start = time.monotonic()
        try:
            problems, worst = run_model(tools, model, golden_dir, options)
        except TestFailure as failure:
            problems, worst = [str(failure)], float("nan")
        verdict = "FAILED" if problems else "ok"
        print(
            f"{name}: {verdict}, logits {worst:.1e}, {time.monotonic() - start:.1f} s", flush=True
        )
        for problem in problems:
            print(f"  {problem}", flush=True)
        failed += [name] if problems else []
    if count == 0:
        sys.exit(f"no checkpoint's name contains '{options.filter}'")
    print(f"{count - len(failed)} of {count} checkpoints agree with their goldens")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
