"""Bad safetensors files and bad indices."""

import json
import os
import struct

from .base import (
    INDEX,
    WEIGHTS,
    Tensor,
    compile_case,
    edit_header,
    edit_tensors,
    make_directory,
    raw_weights,
    remove_file,
    set_config,
    split_into_shards,
    write_file,
)

NORM = "model.norm.weight"  # a short name to break
ROUTER = "model.layers.0.mlp.gate.weight"
EXPERT = "model.layers.1.mlp.experts.3.down_proj.weight"


def with_entry(**values):
    """A header edit that sets fields of one tensor's entry; `...` removes one."""

    def edit(header):
        for field, value in values.items():
            if value is ...:
                del header[NORM][field]
            else:
                header[NORM][field] = value

    return edit_header(edit)


def shift_from(name, by):
    """A header edit that moves all tensors from `name` on by some bytes."""

    def edit(header):
        start = header[name]["data_offsets"][0]
        for key, entry in header.items():
            if key != "__metadata__" and entry["data_offsets"][0] >= start:
                entry["data_offsets"] = [offset + by for offset in entry["data_offsets"]]

    return edit_header(edit)


def cut_file(keep):
    """A change that keeps the first bytes of the weights; negative counts from the end."""

    def change(model):
        path = os.path.join(model, WEIGHTS)
        size = keep if keep >= 0 else os.path.getsize(path) + keep
        os.truncate(path, size)

    return change


def append_bytes(model):
    """Seven bytes behind the last tensor."""
    with open(os.path.join(model, WEIGHTS), "ab") as file:
        file.write(b"trailer")


def sparse_header(length):
    """A file that says it has a header of `length` bytes, and is that long."""

    def change(model):
        with open(os.path.join(model, WEIGHTS), "wb") as file:
            file.write(struct.pack("<Q", length) + b"{")
            file.truncate(length + 8)

    return change


def replace(name, **fields):
    """An edit of the tensors that gives one of them another dtype, shape or data."""

    def edit(tensors):
        old = tensors[name]
        values = {"dtype": old.dtype, "shape": old.shape, "data": old.data} | fields
        tensors[name] = Tensor(**values)

    return edit_tensors(edit)


def rename(name, other):
    """An edit of the tensors that gives one of them another name."""

    def edit(tensors):
        tensors[other] = tensors.pop(name)

    return edit_tensors(edit)


def add(name, dtype, shape, size):
    """An edit of the tensors that adds one of zeros."""
    return edit_tensors(lambda t: t.__setitem__(name, Tensor(dtype, shape, bytes(size))))


def map_entry(name, value):
    """An edit of the index that changes the file of one tensor; `...` removes it."""

    def edit(index):
        if value is ...:
            del index["weight_map"][name]
        else:
            index["weight_map"][name] = value

    return split_into_shards(edit_index=edit)


def link_weights(target):
    """A change that puts a symbolic link where the weights were."""

    def change(model):
        os.remove(os.path.join(model, WEIGHTS))
        os.symlink(target, os.path.join(model, WEIGHTS))

    return change


def twice_in_shards(shards):
    """The first tensor of the first shard into the second as well."""
    first, second = shards.values()
    name = next(iter(first))
    second[name] = first[name]


def add_both(model):
    """An index beside the single file."""
    write_file(INDEX, json.dumps({"weight_map": {NORM: WEIGHTS}}))(model)


def fused_and_single(tensors):
    """Layer 0's experts in both layouts."""
    prefix = "model.layers.0.mlp.experts."
    tensors[prefix + "gate_up_proj"] = Tensor("BF16", (4, 12, 16), bytes(4 * 12 * 16 * 2))
    tensors[prefix + "down_proj"] = Tensor("BF16", (4, 16, 6), bytes(4 * 16 * 6 * 2))


HEADERS = {
    "empty file": (WEIGHTS, write_file(WEIGHTS, b"")),
    "four bytes": (WEIGHTS, write_file(WEIGHTS, b"\1\0\0\0")),
    "header of no bytes": (WEIGHTS, write_file(WEIGHTS, bytes(8))),
    "header of 2^64-1 bytes": (WEIGHTS, write_file(WEIGHTS, b"\xff" * 8 + b"{}")),
    "header of 2^63 bytes": (WEIGHTS, write_file(WEIGHTS, struct.pack("<Q", 1 << 63) + b"{}")),
    "header over 100 MB": (WEIGHTS, sparse_header(150_000_000)),
    "header past the end": (WEIGHTS, write_file(WEIGHTS, struct.pack("<Q", 4000) + b"{}")),
    "file cut in the header": (WEIGHTS, cut_file(200)),
    "file cut in the data": ("truncated", cut_file(-64)),
    "trailing bytes": ("7", append_bytes),
    "header is no JSON": (WEIGHTS, raw_weights("{'a': 1}")),
    "header ends early": (WEIGHTS, raw_weights('{"a": {"dtype": "F32", ')),
    "header is an array": (WEIGHTS, raw_weights("[1, 2, 3]")),
    "header with bad UTF-8": (WEIGHTS, raw_weights(b'{"\xff\xfe": {}}')),
    "header nested 100,000 deep": (WEIGHTS, raw_weights('{"a":' + "[" * 100_000)),
    "objects nested 100,000 deep": (WEIGHTS, raw_weights('{"a":' * 100_000)),
    "the same name twice": (
        "twice",
        raw_weights(
            '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
            '"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
            bytes(8),
        ),
    ),
    "entry is a number": (NORM, edit_header(lambda h: h.__setitem__(NORM, 5))),
    "entry without dtype": (NORM, with_entry(dtype=...)),
    "entry without shape": (NORM, with_entry(shape=...)),
    "entry without offsets": (NORM, with_entry(data_offsets=...)),
    "unknown dtype": ("F99", with_entry(dtype="F99")),
    "dtype is a number": (NORM, with_entry(dtype=16)),
    "shape is a string": (NORM, with_entry(shape="16")),
    "negative dim": (NORM, with_entry(shape=[-16])),
    "fractional dim": (NORM, with_entry(shape=[16.5])),
    "dim of 2^64": (NORM, with_entry(shape=[1 << 64])),
    "dims whose product overflows": (NORM, with_entry(shape=[1 << 32, 1 << 32, 16])),
    "shape that the bytes do not fit": (NORM, with_entry(shape=[17])),
    "10,000 dims": (NORM, with_entry(shape=[1] * 10_000)),
    "offsets backwards": (NORM, with_entry(data_offsets=[64, 32])),
    "negative offset": (NORM, with_entry(data_offsets=[-32, 0])),
    "offsets of 2^64": ("hole", with_entry(data_offsets=[(1 << 64) - 32, (1 << 64) - 1])),
    "three offsets": (NORM, with_entry(data_offsets=[0, 32, 64])),
    "offsets as strings": (NORM, with_entry(data_offsets=["0", "32"])),
    "tensors overlap": ("overlap", shift_from(ROUTER, -2)),
    "a hole between tensors": ("hole", shift_from(ROUTER, 32)),
    "metadata is no object": ("__metadata__", edit_header(lambda h: h.update(__metadata__=7))),
    "weights are a directory": (WEIGHTS, make_directory(WEIGHTS)),
    "no weights": ("safetensors", remove_file(WEIGHTS)),
    "link to nowhere": (WEIGHTS, link_weights("nothing-here")),
    "link to itself": (WEIGHTS, link_weights(WEIGHTS)),
    "link out of the folder": (WEIGHTS, link_weights("/proc/self/maps")),
}
TENSORS = {
    "missing norm": (NORM, edit_tensors(lambda t: t.pop(NORM) and None)),
    "missing expert matrix": (EXPERT, edit_tensors(lambda t: t.pop(EXPERT) and None)),
    "missing router": (ROUTER, edit_tensors(lambda t: t.pop(ROUTER) and None)),
    "missing head": ("lm_head", edit_tensors(lambda t: t.pop("lm_head.weight") and None)),
    "tensor nobody uses": ("stranger", add("model.stranger.weight", "BF16", (4,), 8)),
    "shared expert": ("shared_expert", add("model.layers.0.mlp.shared_expert.w", "F32", (1,), 4)),
    "bias that config.json denies": (
        "q_proj.bias",
        add("model.layers.0.self_attn.q_proj.bias", "BF16", (16,), 32),
    ),
    "layer beyond the last": (
        "layers.2",
        add("model.layers.2.input_layernorm.weight", "BF16", (16,), 32),
    ),
    "expert beyond the last": (
        "experts.4",
        add("model.layers.0.mlp.experts.4.up_proj.weight", "BF16", (6, 16), 192),
    ),
    "expert number with a zero before it": (
        "experts.3",
        rename(EXPERT, EXPERT.replace("experts.3", "experts.03")),
    ),
    "both expert layouts": ("experts", edit_tensors(fused_and_single)),
    "expert scales of FP8": (
        "weight_scale_inv",
        add("model.layers.0.mlp.experts.0.up_proj.weight_scale_inv", "F32", (1, 1), 4),
    ),
    "transposed matrix": (EXPERT, replace(EXPERT, shape=(6, 16))),
    "flat matrix": (ROUTER, replace(ROUTER, shape=(64,))),
    "router for other experts": (ROUTER, replace(ROUTER, shape=(3, 16), data=bytes(96))),
    "short embedding": (
        "embed_tokens",
        replace("model.embed_tokens.weight", shape=(299, 16), data=bytes(299 * 32)),
    ),
    "integer weights": (NORM, replace(NORM, dtype="I32", data=bytes(64))),
    "byte weights": (NORM, replace(NORM, dtype="U8", data=bytes(16))),
}
SHARDS = {
    "index is empty": (INDEX, lambda m: (remove_file(WEIGHTS)(m), write_file(INDEX, "")(m))),
    "index is no JSON": (INDEX, lambda m: (remove_file(WEIGHTS)(m), write_file(INDEX, "{]")(m))),
    "index without weight_map": (
        "weight_map",
        split_into_shards(edit_index=lambda i: i.clear()),
    ),
    "weight_map is an array": (
        "weight_map",
        split_into_shards(edit_index=lambda i: i.update(weight_map=[])),
    ),
    "weight_map is empty": (
        INDEX,
        split_into_shards(edit_index=lambda i: i.update(weight_map={})),
    ),
    "missing shard": ("00009-of-00002", map_entry(NORM, "model-00009-of-00002.safetensors")),
    "shard in another folder": ("../", map_entry(NORM, "../model.safetensors")),
    "absolute shard": ("/etc/passwd", map_entry(NORM, "/etc/passwd")),
    "shard name with a zero byte": (INDEX, map_entry(NORM, "model\0.safetensors")),
    "shard is a number": (NORM, map_entry(NORM, 3)),
    "shard with no name": (INDEX, map_entry(NORM, "")),
    "shard is the folder": (INDEX, map_entry(NORM, ".")),
    "tensor in the other shard": (NORM, map_entry(NORM, "model-00001-of-00002.safetensors")),
    "index says too much": ("ghost", map_entry("ghost", "model-00001-of-00002.safetensors")),
    "index says too little": (NORM, map_entry(NORM, ...)),
    "tensor in two shards": (
        "model.embed_tokens.weight",
        split_into_shards(edit_shards=twice_in_shards),
    ),
    "index and single file": (INDEX, add_both),
}
QUANTISED = {
    "FP8 config": (
        "quantization_config",
        set_config(quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]}),
    ),
    "quantisation of an unknown kind": (
        "quantization_config",
        set_config(quantization_config=["gptq"]),
    ),
}


def cases():
    """All of them."""
    for group in (HEADERS, TENSORS, SHARDS, QUANTISED):
        for name, (says, change) in group.items():
            yield compile_case(f"weights: {name}", says, change)
