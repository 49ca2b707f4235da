"""Makes the small random checkpoints of `variations.py` and their goldens.

    python make_checkpoints.py                # all, into checkpoints/
    python make_checkpoints.py yarn_rope      # one of them

Needs torch, transformers 5 and safetensors; the tests that read the result do not.

Goldens come from transformers: float32 arithmetic on the stored weights, eager attention
and eager experts. golden.json holds the prompts and their greedy continuations, which run
past end tokens; golden.safetensors holds for prompt i `logits.i` at its last position,
`experts.i` and `expert_weights.i` [MoE layers, top_k] there, and `all_experts.i`
[positions, MoE layers, top_k] over the prompt and its continuation.

Seeds are tried until no choice hangs on rounding: greedy margins and the gaps between the
router's chosen and next best logits stay above the bounds below.
"""

import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeTopKRouter
from variations import VARIATIONS, config_of

LEAST_MARGIN = 0.02  # between the best two logits, which spread over about +-8
LEAST_GAP = 1e-4  # between neighbouring router logits down to rank top_k + 1
LEAST_DISTINCT = 5  # tokens in a continuation, so that it is no plain loop
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def random_weights(shapes, variation, seed):
    """Weights by name in their stored dtypes; spreads keep activations near one."""
    generator = torch.Generator().manual_seed(seed)
    weights, tied = {}, "lm_head.weight" not in shapes
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        if name.endswith("norm.weight"):
            value = 1 + 0.25 * noise.clamp(-2, 2)
        elif name.endswith("bias"):
            value = 0.3 * noise
        elif name.endswith("embed_tokens.weight"):
            # A tied embedding that outweighs the layers would only repeat its input.
            value = (0.3 if tied else 1.0) * noise
        else:
            gain = 2.5 if name.endswith(("lm_head.weight", "mlp.gate.weight")) else 1.2
            value = gain * noise / shape[-1] ** 0.5
        single = name.endswith(variation.float32_tensors) if variation.float32_tensors else False
        weights[name] = value.to(torch.float32 if single else DTYPES[variation.dtype])
    return weights


class Recorder:
    """Collects what every router of a model does."""

    def __init__(self, model):
        self.routers = [m for m in model.modules() if isinstance(m, Qwen3MoeTopKRouter)]
        self.calls = [[] for _ in self.routers]
        for router, calls in zip(self.routers, self.calls):
            router.register_forward_hook(lambda _, __, output, calls=calls: calls.append(output))

    def take(self):
        """(logits, weights, ids), each [rows, MoE layers, ..], since the last call."""
        joined = [[torch.cat(parts) for parts in zip(*calls)] for calls in self.calls]
        for calls in self.calls:
            calls.clear()
        return [torch.stack(parts, 1) for parts in zip(*joined)]


@torch.no_grad()
def greedy(model, recorder, ids, count):
    """Greedy continuation of one prompt: (tokens, logits of every step, routing of every row)."""
    output = model(torch.tensor([ids]), use_cache=True)
    logits, tokens = [output.logits[0, -1]], [int(output.logits[0, -1].argmax())]
    while len(tokens) < count:
        step = torch.tensor([[tokens[-1]]])
        output = model(step, past_key_values=output.past_key_values, use_cache=True)
        logits.append(output.logits[0, -1])
        tokens.append(int(logits[-1].argmax()))
    return tokens, torch.stack(logits), recorder.take()


def steadiness(tokens, logits, routing):
    """(smallest greedy margin, smallest router gap, distinct tokens)."""
    best = logits.topk(2, -1).values
    router_logits, _, ids = routing
    ranks = min(ids.shape[-1] + 1, router_logits.shape[-1])
    top = router_logits.topk(ranks, -1).values
    gap = (top[..., :-1] - top[..., 1:]).min().item() if ranks > 1 else float("inf")
    return (best[:, 0] - best[:, 1]).min().item(), gap, len(set(tokens))


def prompts_of(variation, vocabulary, seed):
    """Random prompts of the wanted lengths."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randint(0, vocabulary, (length,), generator=generator).tolist()
        for length in variation.prompts
    ]


def search(model, shapes, variation, tries=20000):
    """The first seed whose every choice is clear: (seed, weights, prompts, results)."""
    recorder = Recorder(model)
    for seed in range(tries):
        weights = random_weights(shapes, variation, seed)
        model.load_state_dict({name: w.float() for name, w in weights.items()}, strict=False)
        results = []
        for ids in prompts_of(variation, model.config.vocab_size, seed):
            result = greedy(model, recorder, ids, variation.tokens)
            margin, gap, distinct = steadiness(*result)
            if margin < LEAST_MARGIN or gap < LEAST_GAP or distinct < LEAST_DISTINCT:
                break
            results.append((ids, result, margin, gap))
        if len(results) == len(variation.prompts):
            return seed, weights, results
    raise SystemExit(f"{variation.name}: no seed of {tries} is steady enough")


def stored_tensors(weights, variation):
    """The tensors under the names they have in files."""
    tensors = {}
    for name, weight in weights.items():
        prefix, _, kind = name.rpartition(".")
        if variation.fused or not prefix.endswith(".experts"):
            tensors[name] = weight
        elif kind == "down_proj":
            for expert, part in enumerate(weight):
                tensors[f"{prefix}.{expert}.down_proj.weight"] = part.contiguous()
        else:
            for expert, part in enumerate(weight):
                gate, up = part.chunk(2)
                tensors[f"{prefix}.{expert}.gate_proj.weight"] = gate.contiguous()
                tensors[f"{prefix}.{expert}.up_proj.weight"] = up.contiguous()
    return tensors


def write_json(path, value):
    """Writes indented JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def write_weights(directory, tensors, shards):
    """One file, or shards of about equal size with an index."""
    metadata = {"format": "pt"}
    if shards == 1:
        save_file(tensors, os.path.join(directory, "model.safetensors"), metadata)
        return
    total, seen, parts = sum(t.nbytes for t in tensors.values()), 0, [{} for _ in range(shards)]
    for name, tensor in tensors.items():
        parts[shards * seen // total][name] = tensor
        seen += tensor.nbytes
    weight_map = {}
    for number, part in enumerate(parts, 1):
        file = f"model-{number:05d}-of-{shards:05d}.safetensors"
        save_file(part, os.path.join(directory, file), metadata)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(os.path.join(directory, "model.safetensors.index.json"), index)


def write_golden(directory, variation, seed, results):
    """golden.json and golden.safetensors."""
    entries, tensors = [], {}
    for index, (ids, (tokens, logits, routing), margin, gap) in enumerate(results):
        last = len(ids) - 1
        tensors[f"logits.{index}"] = logits[0].clone()
        tensors[f"experts.{index}"] = routing[2][last].to(torch.int32)
        tensors[f"expert_weights.{index}"] = routing[1][last].float()
        tensors[f"all_experts.{index}"] = routing[2].to(torch.int32)
        entries.append(
            {
                "prompt_ids": ids,
                "continuation_ids": tokens,
                "smallest_margin": round(margin, 4),
                "smallest_router_gap": round(gap, 6) if gap != float("inf") else None,
            }
        )
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(tensors, os.path.join(directory, "golden.safetensors"))
    content = {"name": variation.name, "seed": seed, "dtype": "float32", "prompts": entries}
    text = json.dumps(content, indent=1)
    with open(os.path.join(directory, "golden.json"), "w", encoding="utf-8") as file:
        file.write(text + "\n")


@torch.no_grad()
def check_files(directory, results):
    """Reads the checkpoint as any user of transformers would; it must give the same logits."""
    model = AutoModelForCausalLM.from_pretrained(
        directory,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
    ).eval()
    for ids, (_, logits, _), _, _ in results:
        found = model(torch.tensor([ids])).logits[0, -1]
        error = (found - logits[0]).norm() / found.norm()
        assert error < 1e-6, f"{directory}: the files give other logits, by {error:.1e}"


def make(variation, out):
    """Makes one checkpoint folder; returns its bytes."""
    directory = os.path.join(out, variation.name)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    write_json(os.path.join(directory, "config.json"), config_of(variation))
    config = AutoConfig.from_pretrained(directory)
    model = AutoModelForCausalLM.from_config(
        config,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
    ).eval()
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    seed, weights, results = search(model, shapes, variation)
    write_weights(directory, stored_tensors(weights, variation), variation.shards)
    write_golden(directory, variation, seed, results)
    check_files(directory, results)
    size = sum(entry.stat().st_size for entry in os.scandir(directory))
    print(
        f"{variation.name}: seed {seed}, margin {min(r[2] for r in results):.3f},"
        f" router gap {min(r[3] for r in results):.5f}, {size} bytes",
        flush=True,
    )
    return size


def main():
    """Makes the named checkpoints, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("names", nargs="*", help="all when left out")
    parser.add_argument("--out", default=os.path.join(here, "checkpoints"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    wanted = [v for v in VARIATIONS if not options.names or v.name in options.names]
    total = sum(make(variation, options.out) for variation in wanted)
    print(f"{len(wanted)} checkpoints, {total} bytes together")


if __name__ == "__main__":
    main()
