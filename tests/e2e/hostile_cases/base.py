"""The tiny good model that every case breaks in one place, and what a case is."""

import array
import json
import os
import random
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import Tensor, read_json, write_json, write_safetensors

VOCAB = 300
CONFIG = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "attention_bias": False,
    "decoder_sparse_step": 1,
    "eos_token_id": 260,
    "head_dim": 8,
    "hidden_act": "silu",
    "hidden_size": 16,
    "intermediate_size": 24,
    "max_position_embeddings": 128,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 6,
    "norm_topk_prob": True,
    "num_attention_heads": 2,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": VOCAB,
}
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Case:
    """One bad input.

    `prepare(folder, good)` makes it in an empty folder from the good model and returns the
    arguments of `tool`. The tool must end with `code` and say `says` in its error line;
    `output`, where named, must not exist afterwards.
    """

    name: str
    tool: str
    prepare: Callable
    says: str
    code: int = 1
    output: str | None = None


def compile_case(name, says, change):
    """A case whose checkpoint `change(folder)` breaks; sluice-compile must refuse it."""

    def prepare(folder, good):
        model = os.path.join(folder, "model")
        shutil.copytree(good.model, model)
        change(model)
        return [model, "-o", os.path.join(folder, "out.plan")]

    return Case(name, "sluice-compile", prepare, says, output="out.plan")


def tiny_tensors():
    """The weights of the good model: bfloat16 from a fixed seed."""
    r = random.Random(5)

    def tensor(*shape, centre=0.0):
        count = 1
        for dim in shape:
            count *= dim
        floats = array.array("f", (centre + r.gauss(0, 0.3) for _ in range(count)))
        upper = array.array("H", floats.tobytes())[1::2]
        return Tensor("BF16", shape, upper.tobytes())

    tensors = {"model.embed_tokens.weight": tensor(VOCAB, 16)}
    for layer in range(CONFIG["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}{norm}.weight"] = tensor(16, centre=1.0)
        for name, rows, columns in (("q", 16, 16), ("k", 8, 16), ("v", 8, 16), ("o", 16, 16)):
            tensors[f"{prefix}self_attn.{name}_proj.weight"] = tensor(rows, columns)
        for norm in ("q_norm", "k_norm"):
            tensors[f"{prefix}self_attn.{norm}.weight"] = tensor(8, centre=1.0)
        tensors[f"{prefix}mlp.gate.weight"] = tensor(4, 16)
        for expert in range(CONFIG["num_experts"]):
            part = f"{prefix}mlp.experts.{expert}."
            tensors[part + "gate_proj.weight"] = tensor(6, 16)
            tensors[part + "up_proj.weight"] = tensor(6, 16)
            tensors[part + "down_proj.weight"] = tensor(16, 6)
    tensors["model.norm.weight"] = tensor(16, centre=1.0)
    tensors["lm_head.weight"] = tensor(VOCAB, 16)
    return tensors


def byte_alphabet():
    """The 256 characters that stand for bytes in byte-level BPE, in order of the bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    table = {byte: chr(byte) for byte in plain}
    table |= {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [table[byte] for byte in range(256)]


def tiny_tokenizer():
    """The content of a good tokenizer.json: 256 bytes, four merges, one special token."""
    merges = [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"]]
    words = byte_alphabet() + ["".join(pair) for pair in merges]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    special = {
        "id": 260,
        "content": "<|end|>",
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {word: index for index, word in enumerate(words)},
            "merges": merges,
        },
    }


class GoodModel:
    """The good model in a folder of its own, with its plan."""

    def __init__(self, folder, tools):
        self.model, self.plan = os.path.join(folder, "model"), os.path.join(folder, "good.plan")
        os.makedirs(self.model)
        write_json(os.path.join(self.model, "config.json"), CONFIG)
        write_json(os.path.join(self.model, "tokenizer.json"), tiny_tokenizer())
        write_safetensors(os.path.join(self.model, WEIGHTS), tiny_tensors())
        tools.compile(self.model, self.plan, 2, 64)


# Ways to break a model folder -------------------------------------------------------------


def edit_json(file, edit):
    """A change that applies `edit` to the content of a JSON file."""

    def change(model):
        path = os.path.join(model, file)
        content = read_json(path)
        edit(content)
        write_json(path, content)

    return change


def set_config(**values):
    """A change that sets keys of config.json; `...` removes one."""

    def edit(config):
        for key, value in values.items():
            if value is ...:
                config.pop(key, None)
            else:
                config[key] = value

    return edit_json("config.json", edit)


def write_file(file, content):
    """A change that replaces a file by bytes or text."""

    def change(model):
        data = content.encode() if isinstance(content, str) else content
        with open(os.path.join(model, file), "wb") as out:
            out.write(data)

    return change


def remove_file(file):
    """A change that removes a file."""
    return lambda model: os.remove(os.path.join(model, file))


def make_directory(file):
    """A change that puts a directory where a file should be."""

    def change(model):
        path = os.path.join(model, file)
        if os.path.exists(path):
            os.remove(path)
        os.mkdir(path)

    return change


def edit_header(edit, keep_data=True):
    """A change that applies `edit(header)` to the JSON of the weights' header."""

    def change(model):
        path = os.path.join(model, WEIGHTS)
        with open(path, "rb") as file:
            content = file.read()
        (length,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + length])
        header = edit(header) or header
        text = json.dumps(header).encode()
        data = content[8 + length :] if keep_data else b""
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + data)

    return change


def edit_tensors(edit):
    """A change that applies `edit(tensors)` and writes the weights again, well formed."""

    def change(model):
        tensors = tiny_tensors()
        edit(tensors)
        write_safetensors(os.path.join(model, WEIGHTS), tensors)

    return change


def split_into_shards(edit_index=None, edit_shards=None):
    """A change to two shards and an index, then `edit_shards(shards)` and `edit_index(index)`."""

    def change(model):
        os.remove(os.path.join(model, WEIGHTS))
        tensors = list(tiny_tensors().items())
        half = len(tensors) // 2
        names = [f"model-{n:05d}-of-00002.safetensors" for n in (1, 2)]
        shards = dict(zip(names, (dict(tensors[:half]), dict(tensors[half:]))))
        index = {"weight_map": {key: name for name, part in shards.items() for key in part}}
        if edit_shards:
            edit_shards(shards)
        if edit_index:
            edit_index(index)
        for name, part in shards.items():
            write_safetensors(os.path.join(model, name), part)
        write_json(os.path.join(model, INDEX), index)

    return change


def raw_weights(header_text, data=b""):
    """A change that writes the weights' file from the text of a header."""
    text = header_text if isinstance(header_text, bytes) else header_text.encode()
    return write_file(WEIGHTS, struct.pack("<Q", len(text)) + text + data)
