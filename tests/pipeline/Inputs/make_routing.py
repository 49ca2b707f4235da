"""Writes a routing.safetensors of one token: layer l used the experts 8 * l to 8 * l + 7.

    python3 make_routing.py PLAN.json ROUTING.safetensors [FINGERPRINT]

PLAN.json is what `sluice-dump --json` prints of a plan of the model.
"""

import array
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "e2e"))
from support import Tensor, safetensors_header  # noqa: E402


def main():
    """One row, and the statistics that follow from it."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    model, fingerprint = plan["model"], int(plan["fingerprint"])
    layers, experts, top = model["layers"], model["experts"], model["top_k"]
    used = [range(top * layer, top * layer + top) for layer in range(layers)]
    popularity = array.array("f", bytes(4 * layers * experts))
    transitions = array.array("i", bytes(4 * layers * experts * experts))
    for layer in range(layers):
        for expert in used[layer]:
            popularity[layer * experts + expert] = 1
            for before in used[layer - 1] if layer else ():
                transitions[(layer * experts + before) * experts + expert] = 1
    ids = array.array("i", [expert for row in used for expert in row])
    weights = array.array("f", [1 / top] * (layers * top))
    zero, numbers = array.array("i", [0]).tobytes(), array.array("i", range(layers))
    tensors = {
        "experts": Tensor("I32", (1, layers, top), ids.tobytes()),
        "weights": Tensor("F32", (1, layers, top), weights.tobytes()),
        "tokens": Tensor("I32", (1,), zero),
        "positions": Tensor("I32", (1,), zero),
        "sequences": Tensor("I32", (1,), zero),
        "layers": Tensor("I32", (layers,), numbers.tobytes()),
        "popularity": Tensor("F32", (layers, experts), popularity.tobytes()),
        "transitions": Tensor("I32", (layers, experts, experts), transitions.tobytes()),
    }
    metadata = {
        "format": "sluice-routing-2",
        "fingerprint": sys.argv[3] if len(sys.argv) > 3 else f"{fingerprint:016x}",
        "model": model["name"],
    }
    shapes = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    with open(sys.argv[2], "wb") as file:
        file.write(safetensors_header(shapes, metadata))
        for tensor in tensors.values():
            file.write(tensor.data)


if __name__ == "__main__":
    main()
