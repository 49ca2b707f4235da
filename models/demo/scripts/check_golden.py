"""Recomputes golden prompts with transformers and compares them with the committed data.

python check_golden.py                # all eight, about a minute on two cores
python check_golden.py --prompt 1     # one of them
"""

import argparse
import json
import os
import sys

import torch
from safetensors.torch import load_file

from golden import draft_trace, greedy, last_position
from layouts import load_draft, load_reference, load_target
from modeling import Target


def check(reference, draft, twin, index, entry, tensors):
    """Yields one line for every disagreement of one prompt."""
    ids = entry["prompt_ids"]
    tokens, logits, _ = greedy(reference, ids, len(entry["continuation_ids"]))
    if tokens != entry["continuation_ids"]:
        yield f"{entry['name']}: other tokens"
    found = last_position(reference, ids, index, Target.features(twin(torch.tensor([ids]))))
    found[f"logits.{index}"] = logits
    if "draft_trace" in entry:
        steps, draft_logits = draft_trace(reference, draft, ids, tokens)
        found[f"draft_logits.{index}"] = draft_logits
        keys = ("known_tokens", "proposed", "accepted", "emitted")
        for step, golden_step in zip(steps, entry["draft_trace"]["steps"], strict=True):
            if any(step[key] != golden_step[key] for key in keys):
                yield f"{entry['name']}: other drafting at token {step['known_tokens']}"
    for name, tensor in found.items():
        error = (tensor.double() - tensors[name].double()).norm() / tensors[name].double().norm()
        if not error <= (0 if name.startswith("experts") else 1e-5):
            yield f"{entry['name']}: {name} differs by {error:.1e}"


def main():
    """Prints every disagreement; exits with 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--demo", default=os.path.dirname(here), help="the folder models/demo")
    parser.add_argument("--prompt", type=int, help="only this prompt")
    options = parser.parse_args()
    target = os.path.join(options.demo, "target")
    reference, twin = load_reference(target), load_target(target)
    draft = load_draft(os.path.join(options.demo, "draft"))
    with open(os.path.join(options.demo, "golden.json"), encoding="utf-8") as file:
        prompts = json.load(file)["prompts"]
    tensors = load_file(os.path.join(options.demo, "golden.safetensors"))
    wrong = []
    for index, entry in enumerate(prompts):
        if options.prompt in (None, index):
            lines = list(check(reference, draft, twin, index, entry, tensors))
            print(f"{entry['name']}: {'differs' if lines else 'as committed'}", flush=True)
            wrong += lines
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
