"""The Hugging Face file layouts of both models: config.json and safetensors files."""

import json
import os

import torch
from safetensors.torch import load_file, save_file

from configs import DRAFT_CONFIG, EXPERT_DIM, EXPERTS, TARGET_CONFIG, VOCAB_SIZE
from modeling import Draft, Target
from tokenization import write_json

# Pairs of a key in the file and the name of a module's weight.
_ATTENTION = [(f"self_attn.{name}_proj.weight", f"{name}.weight") for name in "qkvo"]
_TARGET_LAYER = _ATTENTION + [
    ("self_attn.q_norm.weight", "q_norm"),
    ("self_attn.k_norm.weight", "k_norm"),
    ("input_layernorm.weight", "input_norm"),
    ("post_attention_layernorm.weight", "post_norm"),
    ("mlp.gate.weight", "router.weight"),
]
_DRAFT = [(f"midlayer.{key}", name) for key, name in _ATTENTION] + [
    ("fc.weight", "fc.weight"),
    ("midlayer.input_layernorm.weight", "input_norm"),
    ("midlayer.hidden_norm.weight", "hidden_norm"),
    ("midlayer.post_attention_layernorm.weight", "post_norm"),
    ("midlayer.mlp.gate_proj.weight", "gate.weight"),
    ("midlayer.mlp.up_proj.weight", "up.weight"),
    ("midlayer.mlp.down_proj.weight", "down.weight"),
    ("norm.weight", "norm"),
    ("lm_head.weight", "head.weight"),
]


def target_views(model):
    """Yields (key, view) of every weight of a target."""
    yield "model.embed_tokens.weight", model.embed.weight.data
    for index, layer in enumerate(model.layers):
        prefix, parameters = f"model.layers.{index}.", dict(layer.named_parameters())
        for key, name in _TARGET_LAYER:
            yield prefix + key, parameters[name].data
        for expert in range(EXPERTS):
            part = slice(expert * EXPERT_DIM, (expert + 1) * EXPERT_DIM)
            yield f"{prefix}mlp.experts.{expert}.gate_proj.weight", layer.gate.weight.data[part]
            yield f"{prefix}mlp.experts.{expert}.up_proj.weight", layer.up.weight.data[part]
            yield f"{prefix}mlp.experts.{expert}.down_proj.weight", layer.down.weight.data[:, part]
    yield "model.norm.weight", model.norm.data
    yield "lm_head.weight", model.head.weight.data


def draft_views(model):
    """Yields (key, view) of every weight of a draft."""
    parameters = dict(model.named_parameters())
    return ((key, parameters[name].data) for key, name in _DRAFT)


def in_bfloat16(views):
    """The views as contiguous bfloat16 tensors by key."""
    return {
        key: view.to(torch.bfloat16).cpu().clone(memory_format=torch.contiguous_format)
        for key, view in views
    }


def centre_routers(model):
    """Takes the mean row off every router.

    No softmax changes, but logits near zero lose less to rounding.
    """
    for layer in model.layers:
        layer.router.weight.data -= layer.router.weight.data.mean(0)


def save_target(model, directory):
    """Writes config.json and the weights in bfloat16, in two shards with an index."""
    os.makedirs(directory, exist_ok=True)
    centre_routers(model)
    write_json(os.path.join(directory, "config.json"), TARGET_CONFIG)
    tensors = in_bfloat16(target_views(model))
    total, seen, shards = sum(t.nbytes for t in tensors.values()), 0, [{}, {}]
    for key, tensor in tensors.items():
        shards[2 * seen >= total][key] = tensor
        seen += tensor.nbytes
    names = [f"model-{n:05d}-of-00002.safetensors" for n in (1, 2)]
    for name, shard in zip(names, shards):
        save_file(shard, os.path.join(directory, name), metadata={"format": "pt"})
    weight_map = {key: name for name, shard in zip(names, shards) for key in shard}
    write_json(
        os.path.join(directory, "model.safetensors.index.json"),
        dict(metadata=dict(total_size=total), weight_map=weight_map),
    )


def load_target(directory, device="cpu"):
    """Reads a saved target back; its weights are float32 copies of the stored bfloat16 values."""
    with open(os.path.join(directory, "model.safetensors.index.json")) as file:
        names = sorted(set(json.load(file)["weight_map"].values()))
    stored = {
        key: tensor
        for name in names
        for key, tensor in load_file(os.path.join(directory, name)).items()
    }
    model = Target()
    for key, view in target_views(model):
        view.copy_(stored.pop(key))
    assert not stored, list(stored)[:3]
    return model.to(device).eval().requires_grad_(False)


def load_reference(directory):
    """The target in transformers: float32, on the CPU, plain attention.

    Experts are plain too where the version can be asked for it.
    """
    from transformers import AutoModelForCausalLM

    options = dict(dtype=torch.float32, attn_implementation="eager")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            directory, experts_implementation="eager", **options
        )
    except (AttributeError, TypeError, ValueError):
        model = AutoModelForCausalLM.from_pretrained(directory, **options)
    return model.eval().requires_grad_(False)


def save_draft(model, directory):
    """Writes config.json and model.safetensors.

    The embeddings are the target's and are not stored.
    """
    os.makedirs(directory, exist_ok=True)
    write_json(os.path.join(directory, "config.json"), DRAFT_CONFIG)
    ids = model.target_ids.cpu()
    known = torch.zeros(VOCAB_SIZE, dtype=torch.bool)
    known[ids] = True
    tensors = dict(in_bfloat16(draft_views(model)), d2t=ids - torch.arange(len(ids)), t2d=known)
    save_file(tensors, os.path.join(directory, "model.safetensors"), metadata={"format": "pt"})


def load_draft(directory, device="cpu"):
    """Reads a saved draft back, its weights as float32."""
    stored = load_file(os.path.join(directory, "model.safetensors"))
    model = Draft()
    for key, view in draft_views(model):
        view.copy_(stored[key])
    model.target_ids.copy_(stored["d2t"] + torch.arange(len(stored["d2t"])))
    assert torch.equal(stored["t2d"].nonzero().flatten(), model.target_ids)
    return model.to(device).eval().requires_grad_(False)
