"""The small Qwen3-MoE checkpoints of the end-to-end tests: one entry a variation.

Each entry gives the keys of config.json that differ from `BASE`, and how the weights
are stored. `None` removes a key. Between them they say everything that a
`Qwen3MoeForCausalLM` checkpoint can say and Sluice runs.
"""

from dataclasses import dataclass, field

BASE = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": None,
    "decoder_sparse_step": 1,
    "eos_token_id": 1,
    "head_dim": 16,
    "hidden_act": "silu",
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 48,
    "max_position_embeddings": 1024,
    "max_window_layers": 2,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 24,
    "norm_topk_prob": True,
    "num_attention_heads": 4,
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "output_router_logits": False,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "router_aux_loss_coef": 0.001,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 128,
}


def newer(dtype="bfloat16", experts=8, rope=None):
    """The keys of a config.json of transformers 5; `rope` goes into `rope_parameters`."""
    parameters = {"rope_type": "default", "rope_theta": 10000.0} | (rope or {})
    return {
        "torch_dtype": None,
        "dtype": dtype,
        "rope_theta": None,
        "rope_scaling": None,
        "rope_parameters": parameters,
        "num_experts": None,
        "num_local_experts": experts,
        "transformers_version": "5.0.0",
    }


@dataclass(frozen=True)
class Variation:
    """One checkpoint."""

    name: str
    config: dict = field(default_factory=dict)
    dtype: str = "bfloat16"  # of the stored weights
    float32_tensors: tuple = ()  # tensors whose names end so are stored as float32
    fused: bool = False  # experts.gate_up_proj and experts.down_proj, one tensor a layer
    shards: int = 1
    prompts: tuple = (1, 7, 37)  # prompt lengths
    tokens: int = 20


VARIATIONS = [
    Variation("plain_f32", {"torch_dtype": "float32"}, dtype="float32"),
    Variation(
        "odd_sizes",
        {
            "hidden_size": 40,
            "head_dim": 8,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "moe_intermediate_size": 17,
            "num_experts": 5,
            "num_experts_per_tok": 3,
            "vocab_size": 101,
        },
    ),
    Variation(
        "odd_head_ratio",
        {
            "num_attention_heads": 10,
            "num_key_value_heads": 2,
            "head_dim": 12,
            "rms_norm_eps": 0.01,
        },
        dtype="float16",
    ),
    Variation("all_heads_own_kv", {"num_attention_heads": 3, "num_key_value_heads": 3}),
    Variation("head_dim_from_hidden", {"head_dim": None, "hidden_size": 48}),
    Variation("weights_not_renormalised", {"norm_topk_prob": False, "num_experts_per_tok": 4}),
    Variation("renormalisation_by_default", {"norm_topk_prob": None, "num_experts_per_tok": 1}),
    Variation("tied_embeddings", {"tie_word_embeddings": True}),
    Variation("attention_bias", {"attention_bias": True, "torch_dtype": "float16"}, "float16"),
    Variation(
        "dense_layers_named",
        {"mlp_only_layers": [0, 2], "num_hidden_layers": 4, "intermediate_size": 33},
    ),
    Variation("dense_layers_between", {"decoder_sparse_step": 2, "num_hidden_layers": 4}),
    Variation("one_expert", {"num_experts": 1, "num_experts_per_tok": 1}),
    Variation(
        "sixty_experts",
        {"num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 9},
        shards=3,
    ),
    Variation(
        "experts_512_fused",
        newer(experts=512)
        | {
            "num_experts_per_tok": 8,
            "hidden_size": 16,
            "head_dim": 8,
            "moe_intermediate_size": 5,
        },
        fused=True,
    ),
    Variation(
        "fused_f16_shards",
        newer("float16", experts=6) | {"moe_intermediate_size": 19},
        dtype="float16",
        fused=True,
        shards=2,
    ),
    Variation("newer_keys", newer("float32", rope={"rope_theta": 500000.0}), dtype="float32"),
    Variation("linear_rope", {"rope_scaling": {"type": "linear", "factor": 2.5}}),
    Variation("linear_rope_newer", newer(rope={"rope_type": "linear", "factor": 4.0})),
    Variation(
        "yarn_rope",
        {
            "head_dim": 32,
            "rope_theta": 1000000.0,
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 256,
            },
        },
    ),
    Variation(
        "yarn_rope_newer",
        newer(
            rope={
                "rope_type": "yarn",
                "factor": 8.0,
                "original_max_position_embeddings": 512,
                "beta_fast": 16.0,
                "beta_slow": 2.0,
                "attention_factor": 1.25,
            }
        )
        | {"head_dim": 24, "tie_word_embeddings": True},
    ),
    Variation("mixed_dtypes", float32_tensors=("norm.weight", "mlp.gate.weight")),
    # Longer than one prefill step, two attention splits and many pages.
    Variation("long_prompt", {"num_experts": 4, "num_hidden_layers": 2}, prompts=(300, 530)),
]


def config_of(variation):
    """The content of config.json."""
    config = BASE | variation.config
    return {key: value for key, value in sorted(config.items()) if not _absent(key, value)}


def _absent(key, value):
    # Keys that checkpoints do store as null stay.
    return value is None and key not in ("bos_token_id", "rope_scaling", "sliding_window")
