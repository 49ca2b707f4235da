"""Measures the demo pair on held-out documents and writes its golden data.

    python evaluate.py --target ../target --draft ../draft --out /tmp/figures

writes figures.json (losses, answers, acceptance, samples), routing-stats.json,
golden.json and golden.safetensors.
"""

import argparse
import os
import time

import torch
from safetensors.torch import save_file

from acceptance import acceptance
from golden import golden
from held_out import answers, continuations, losses, samples
from layouts import load_draft, load_target
from routing import routing
from tokenization import load_tokenizer, write_json


def rounded(value, digits=4):
    """Floats, nested in lists and dictionaries, rounded for the report."""
    if isinstance(value, dict):
        return {key: rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry, digits) for entry in value]
    return round(value, digits) if isinstance(value, float) else value


def main(arguments=None):
    """Measures everything and writes the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="../target")
    parser.add_argument("--draft", default="../draft")
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--documents", type=int, default=96, help="held-out documents of each domain"
    )
    options = parser.parse_args(arguments)
    os.makedirs(options.out, exist_ok=True)
    tokenizer = load_tokenizer(options.target)
    target, draft = load_target(options.target, options.device), load_draft(
        options.draft, options.device
    )
    clock = time.time()

    def say(what):
        print(f"evaluate: {what} ({time.time() - clock:.0f} s)", flush=True)

    figures = dict(
        held_out_loss=losses(target, tokenizer, 2 * options.documents),
        samples=samples(target, tokenizer),
    )
    say(figures["held_out_loss"]["mean"])
    documents, starts, rows, ends = continuations(target, tokenizer, options.documents)
    figures["answers"] = answers(tokenizer, documents, starts, rows, ends)
    figures["acceptance"], hiddens = acceptance(target, draft, documents, starts, rows, ends)
    write_json(os.path.join(options.out, "figures.json"), rounded(figures))
    passes = figures["acceptance"]["tokens_per_pass"]
    say({key: round(row["overall"], 3) for key, row in passes.items()})
    stats = routing(target, options.target, rows, starts, ends, hiddens, 4 * options.documents)
    write_json(os.path.join(options.out, "routing-stats.json"), rounded(stats))
    say("routing statistics written")
    content, tensors = golden(target, options.target, options.draft, tokenizer)
    write_json(os.path.join(options.out, "golden.json"), content)
    save_file(tensors, os.path.join(options.out, "golden.safetensors"))
    say("golden data written")
    return figures, stats


if __name__ == "__main__":
    main()
