#!/usr/bin/env python3
"""Makes a recording of one model fit a deeper one of as many experts: its layers stand again
and again.

    stretch_routing.py RECORDING PLAN_JSON OUT

RECORDING is what `sluice-run --record-routing` wrote, PLAN_JSON what `sluice-dump --json` prints
of a plan of the deeper model, OUT a recording that names that model. For benchmarks alone: it
repeats experts as a trained model does, which says nothing of which ones the deeper model uses.
"""

import array
import json
import struct
import sys


def read(path):
    """Metadata and tensors, by name (dtype, shape, bytes), of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__")
    tensors = {
        name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }
    return metadata, tensors


def write(path, metadata, tensors):
    """What read gives, to a file."""
    header, offset = {"__metadata__": metadata}, 0
    for name, (dtype, shape, data) in tensors.items():
        span = [offset, offset + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": span}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def stretch(tensor, layers, axis):
    """The tensor with layer l % L of its L layers, which are its axis `axis`, at l."""
    dtype, shape, data = tensor
    recorded = shape[axis]
    layer_bytes = 4
    for size in shape[axis + 1 :]:
        layer_bytes *= size
    stretched = b"".join(
        data[start + layer % recorded * layer_bytes :][:layer_bytes]
        for start in range(0, len(data), recorded * layer_bytes)
        for layer in range(layers)
    )
    return dtype, shape[:axis] + [layers] + shape[axis + 1 :], stretched


def transitions(experts, count):
    """[layer][i][j]: tokens that used i in the layer before and j in the layer."""
    _, (tokens, layers, top_k), data = experts
    ids = array.array("i", data)
    table = array.array("i", bytes(4 * layers * count * count))
    for token in range(tokens):
        for layer in range(1, layers):
            here = (token * layers + layer) * top_k
            for i in ids[here - top_k : here]:
                base = (layer * count + i) * count
                for j in ids[here : here + top_k]:
                    table[base + j] += 1
    return "I32", [layers, count, count], table.tobytes()


def main():
    """Reads, stretches, writes."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    metadata, tensors = read(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        plan = json.load(file)
    model = plan["model"]
    recorded, count = tensors["popularity"][1]
    if (count, tensors["experts"][1][2]) != (model["experts"], model["top_k"]):
        sys.exit(
            f"{sys.argv[1]}: {count} experts, top {tensors['experts'][1][2]}, expected "
            f"{model['experts']}, top {model['top_k']} as in {sys.argv[2]}"
        )
    if sys.byteorder != "little":
        sys.exit("a machine with little-endian numbers is needed")
    layers = model["layers"]
    for name in ("experts", "weights"):
        tensors[name] = stretch(tensors[name], layers, 1)
    tensors["popularity"] = stretch(tensors["popularity"], layers, 0)
    tensors["layers"] = ("I32", [layers], array.array("i", range(layers)).tobytes())
    tensors["transitions"] = transitions(tensors["experts"], count)
    metadata["model"] = model["name"]
    metadata["fingerprint"] = f"{plan['fingerprint']:016x}"
    write(sys.argv[3], metadata, tensors)
    print(f"{sys.argv[3]}: {tensors['experts'][1][0]} tokens, {recorded} layers stand for {layers}")


if __name__ == "__main__":
    main()
