"""Bad config.json files."""

from .base import (
    compile_case,
    make_directory,
    remove_file,
    set_config,
    write_file,
)

CONFIG_FILE, GENERATION_FILE = "config.json", "generation_config.json"
# What config.json must not say: each key with values that are refused by its name.
REFUSED = {
    "num_experts_per_tok": [5, 0, -1, "2", 2.5, None, 1 << 70],
    "num_experts": [0, 513, -4, "4", [4], 1 << 62],
    "num_key_value_heads": [0, 3, -1, "1"],
    "num_attention_heads": [0, -2, 1 << 40],
    "num_hidden_layers": [0, -1, 1 << 30, "2", 1.5],
    "hidden_size": [0, -16, 1 << 50, "16", 16.5, None, True],
    "head_dim": [0, 7, -8, 1 << 33, "8"],
    "moe_intermediate_size": [0, -6, "6", 1 << 50],
    "vocab_size": [0, -1, 1 << 45, "300"],
    "max_position_embeddings": [0, -1, "128"],
    "rms_norm_eps": [-1e-6, 0, "1e-6"],
    "rope_theta": [0, -10000.0, "10000"],
    "tie_word_embeddings": ["no", 1],
    "norm_topk_prob": ["yes", 1],
    "attention_bias": ["false"],
    "hidden_act": ["gelu", 7],
    "decoder_sparse_step": [0, -1, "1"],
    "mlp_only_layers": ["0", [5], [-1], ["0"], 0],
    "torch_dtype": ["int8", "float8_e4m3fn", 16],
    "model_type": ["qwen2_moe", 3],
    "architectures": [[], ["LlamaForCausalLM"], "Qwen3MoeForCausalLM", [5], None],
    "eos_token_id": ["end", 300, -1],
}
ROPE = {
    "unknown kind": ("longrope", {"rope_type": "longrope", "factor": 2.0}),
    "dynamic": ("dynamic", {"rope_type": "dynamic", "factor": 2.0}),
    "kind is a number": ("rope", {"rope_type": 3, "factor": 2.0}),
    "linear without factor": ("factor", {"rope_type": "linear"}),
    "factor zero": ("factor", {"rope_type": "linear", "factor": 0}),
    "factor negative": ("factor", {"rope_type": "yarn", "factor": -4.0}),
    "factor is a string": ("factor", {"rope_type": "linear", "factor": "2"}),
    "negative original length": (
        "original_max_position_embeddings",
        {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": -5},
    ),
    "betas the wrong way round": (
        "beta_fast",
        {"rope_type": "yarn", "factor": 2.0, "beta_fast": 1.0, "beta_slow": 32.0},
    ),
    "unknown parameter": ("banana", {"rope_type": "linear", "factor": 2.0, "banana": 1}),
    "two kinds": ("type", {"rope_type": "linear", "type": "yarn", "factor": 2.0}),
}
FILES = {
    "missing": remove_file(CONFIG_FILE),
    "empty": write_file(CONFIG_FILE, ""),
    "no JSON": write_file(CONFIG_FILE, "hidden_size = 16"),
    "an array": write_file(CONFIG_FILE, "[]"),
    "a number": write_file(CONFIG_FILE, "5"),
    "cut short": write_file(CONFIG_FILE, '{"hidden_size": 16, "vocab'),
    "nested 100,000 deep": write_file(CONFIG_FILE, '{"a":' * 100_000),
    "the same key twice": write_file(CONFIG_FILE, '{"hidden_size": 16, "hidden_size": 32}'),
    "bad UTF-8": write_file(CONFIG_FILE, b'{"model_type": "\xc3\x28"}'),
    "a zero byte": write_file(CONFIG_FILE, b'{"hidden_size": 16\0}'),
    "a number of 400 digits": write_file(CONFIG_FILE, '{"hidden_size": ' + "9" * 400 + "}"),
    "not a number": write_file(CONFIG_FILE, '{"rope_theta": NaN}'),
    "a directory": make_directory(CONFIG_FILE),
}
TOGETHER = {
    "two numbers of experts": ("num_local_experts", set_config(num_local_experts=8)),
    "two values of theta": ("rope_theta", set_config(rope_parameters={"rope_theta": 7.0})),
    "two scalings": (
        "rope_scaling",
        set_config(
            rope_scaling={"rope_type": "linear", "factor": 2.0},
            rope_parameters={"rope_type": "linear", "factor": 4.0},
        ),
    ),
    "sliding window": ("sliding_window", set_config(use_sliding_window=True, sliding_window=32)),
    "layer types": ("layer_types", set_config(layer_types=["sliding_attention"] * 2)),
    "partial rotation": ("partial_rotary_factor", set_config(partial_rotary_factor=0.5)),
    "no head_dim and odd heads": (
        "head",
        set_config(head_dim=..., num_attention_heads=3, num_key_value_heads=3),
    ),
}
MISSING = ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "num_experts"]


def cases():
    """All of them."""
    for key, values in REFUSED.items():
        for value in values:
            shown = str(value) if len(str(value)) < 30 else "a huge number"
            yield compile_case(f"config: {key} {shown}", key, set_config(**{key: value}))
    for key in MISSING:
        yield compile_case(f"config: no {key}", key, set_config(**{key: ...}))
    for name, (says, scaling) in ROPE.items():
        yield compile_case(f"config: rope {name}", says, set_config(rope_scaling=scaling))
    for name, change in FILES.items():
        yield compile_case(f"config: {name}", CONFIG_FILE, change)
    for name, (says, change) in TOGETHER.items():
        yield compile_case(f"config: {name}", says, change)
    for name, text in (("no JSON", "{"), ("end token", '{"eos_token_id": 1000}')):
        change = write_file(GENERATION_FILE, text)
        yield compile_case(f"generation config: {name}", GENERATION_FILE, change)
