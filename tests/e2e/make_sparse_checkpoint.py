"""Writes a checkpoint with the exact shapes of a large model and no bytes of weights.

    python3 make_sparse_checkpoint.py qwen3-30b-a3b /tmp/sparse-30b

config.json, the index and the shards' headers are right; the shards are sparse files of
the right length whose data read as zeros. Standard library only.
"""

import argparse
import math
import os

from support import DTYPE_BYTES, safetensors_header, write_json

SHARD_BYTES = 4 * 10**9
COMMON = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "decoder_sparse_step": 1,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "max_position_embeddings": 40960,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "norm_topk_prob": True,
    "num_experts_per_tok": 8,
    "num_key_value_heads": 4,
    "output_router_logits": False,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "router_aux_loss_coef": 0.001,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
PRESETS = {
    "qwen3-30b-a3b": {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "max_window_layers": 48,
        "moe_intermediate_size": 768,
        "num_attention_heads": 32,
        "num_experts": 128,
        "num_hidden_layers": 48,
    },
    "qwen3-235b-a22b": {
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "max_window_layers": 94,
        "moe_intermediate_size": 1536,
        "num_attention_heads": 64,
        "num_experts": 128,
        "num_hidden_layers": 94,
    },
    # No model of this name: as many experts as the largest open models have.
    "61x256": {
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "max_window_layers": 61,
        "moe_intermediate_size": 2048,
        "num_attention_heads": 64,
        "num_experts": 256,
        "num_hidden_layers": 61,
    },
}


def tensor_shapes(config):
    """{name: shape} of every tensor, in the order of the files."""
    hidden, inner = config["hidden_size"], config["moe_intermediate_size"]
    query = config["num_attention_heads"] * config["head_dim"]
    key = config["num_key_value_heads"] * config["head_dim"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden)}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        shapes[prefix + "input_layernorm.weight"] = (hidden,)
        shapes[prefix + "self_attn.q_proj.weight"] = (query, hidden)
        shapes[prefix + "self_attn.k_proj.weight"] = (key, hidden)
        shapes[prefix + "self_attn.v_proj.weight"] = (key, hidden)
        shapes[prefix + "self_attn.o_proj.weight"] = (hidden, query)
        shapes[prefix + "self_attn.q_norm.weight"] = (config["head_dim"],)
        shapes[prefix + "self_attn.k_norm.weight"] = (config["head_dim"],)
        shapes[prefix + "post_attention_layernorm.weight"] = (hidden,)
        shapes[prefix + "mlp.gate.weight"] = (config["num_experts"], hidden)
        for expert in range(config["num_experts"]):
            part = f"{prefix}mlp.experts.{expert}."
            shapes[part + "gate_proj.weight"] = (inner, hidden)
            shapes[part + "up_proj.weight"] = (inner, hidden)
            shapes[part + "down_proj.weight"] = (hidden, inner)
    shapes["model.norm.weight"] = (hidden,)
    shapes["lm_head.weight"] = (config["vocab_size"], hidden)
    return shapes


def cut_into_shards(shapes):
    """Lists of names, each shard at most SHARD_BYTES unless one tensor is longer."""
    shards, filled = [[]], 0
    for name, shape in shapes.items():
        size = math.prod(shape) * DTYPE_BYTES["BF16"]
        if shards[-1] and filled + size > SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append(name)
        filled += size
    return shards


def make(preset, directory):
    """Writes the checkpoint of a preset; returns the bytes its weights would have."""
    config = dict(sorted((COMMON | PRESETS[preset]).items()))
    os.makedirs(directory, exist_ok=True)
    write_json(os.path.join(directory, "config.json"), config)
    shapes, weight_map, total = tensor_shapes(config), {}, 0
    shards = cut_into_shards(shapes)
    for number, names in enumerate(map(sorted, shards), 1):  # as safetensors' writers order them
        file_name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        header = safetensors_header({name: ("BF16", shapes[name]) for name in names})
        size = sum(math.prod(shapes[name]) * DTYPE_BYTES["BF16"] for name in names)
        with open(os.path.join(directory, file_name), "wb") as file:
            file.write(header)
            file.truncate(len(header) + size)
        weight_map |= dict.fromkeys(names, file_name)
        total += size
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(os.path.join(directory, "model.safetensors.index.json"), index)
    return total


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("directory")
    options = parser.parse_args()
    total = make(options.preset, options.directory)
    print(f"{options.preset}: {total / 1e9:.1f} GB of weights, none of it on disk")


if __name__ == "__main__":
    main()
