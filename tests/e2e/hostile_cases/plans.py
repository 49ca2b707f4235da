"""Bad plans, and plans whose weights are not those they were made for."""

import os
import random
import shutil
import struct

from .base import WEIGHTS, Case, edit_tensors, remove_file

RUN = ["--backend", "cpu", "--max-tokens", "2", "--prompt", "hello"]
FLIPS = 40


def plan_case(name, says, change):
    """Two cases: sluice-dump and sluice-run must refuse the plan `change(bytes)` gives."""

    def write(folder, good):
        with open(good.plan, "rb") as file:
            content = change(bytearray(file.read()))
        path = os.path.join(folder, "bad.plan")
        with open(path, "wb") as file:
            file.write(content)
        return path

    yield Case(f"plan: {name} (dump)", "sluice-dump", lambda f, g: [write(f, g)], says)
    yield Case(f"plan: {name} (run)", "sluice-run", lambda f, g: [write(f, g), *RUN], says)


def model_case(name, says, change):
    """A case whose plan is good and whose weights `change(folder)` alters."""

    def prepare(folder, good):
        model = os.path.join(folder, "model")
        shutil.copytree(good.model, model)
        change(model)
        return [good.plan, "--model", model, *RUN]

    return Case(f"plan: {name}", "sluice-run", prepare, says)


def root_field(plan, index):
    """The position of a scalar field of the root table, or of the offset of another."""
    (root,) = struct.unpack_from("<I", plan, 0)
    (back,) = struct.unpack_from("<i", plan, root)
    (inside,) = struct.unpack_from("<H", plan, root - back + 4 + 2 * index)
    return root + inside


def set_version(plan):
    """Another version of the format."""
    struct.pack_into("<I", plan, root_field(plan, 0), 9999)
    return plan


def set_fingerprint(plan):
    """The fingerprint of other weights."""
    struct.pack_into("<Q", plan, root_field(plan, 4), 0x1234567890ABCDEF)
    return plan


def far_offset(plan):
    """A table that lies beyond the end."""
    struct.pack_into("<I", plan, root_field(plan, 5), 0x7FFFFFF0)
    return plan


def overwrite(at, data):
    """A change of some bytes."""

    def change(plan):
        plan[at : at + len(data)] = data
        return plan

    return change


def cut_weights(model):
    """The last tensor's end is gone."""
    path = os.path.join(model, WEIGHTS)
    os.truncate(path, os.path.getsize(path) - 100)


def reorder(tensors):
    """The same tensors in another order: every offset is another."""
    items = list(tensors.items())
    tensors.clear()
    tensors.update(reversed(items))


def swap_weights_for_directory(model):
    """A directory where the weights were."""
    remove_file(WEIGHTS)(model)
    os.mkdir(os.path.join(model, WEIGHTS))


PLANS = {
    "empty": ("bad.plan", lambda plan: b""),
    "three bytes": ("bad.plan", lambda plan: plan[:3]),
    "no plan": ("bad.plan", lambda plan: b"This is not a plan. " * 50),
    "zeros": ("bad.plan", lambda plan: bytes(4096)),
    "ones": ("bad.plan", lambda plan: b"\xff" * 4096),
    "another identifier": ("bad.plan", overwrite(4, b"XXXX")),
    "another version": ("version", set_version),
    "another fingerprint": ("fingerprint", set_fingerprint),
    "offset beyond the end": ("bad.plan", far_offset),
    "root beyond the end": ("bad.plan", overwrite(0, b"\xff\xff\xff\x7f")),
    "cut in half": ("bad.plan", lambda plan: plan[: len(plan) // 2]),
    "cut by 16 bytes": ("bad.plan", lambda plan: plan[:-16]),
}
MODELS = {
    "weights missing": (WEIGHTS, remove_file(WEIGHTS)),
    "weights cut short": (WEIGHTS, cut_weights),
    "weights in another order": (WEIGHTS, edit_tensors(reorder)),
    "a tensor more": (WEIGHTS, edit_tensors(lambda t: t.update(more=t["model.norm.weight"]))),
    "a directory for weights": (WEIGHTS, swap_weights_for_directory),
}


def flipped(seed):
    """A plan with one bit flipped: it may still run, but nothing may crash."""

    def change(plan):
        at = random.Random(seed).randrange(8 * len(plan))
        plan[at // 8] ^= 1 << at % 8
        return plan

    return list(plan_case(f"bit flip {seed}", "", change))[1]


def cases():
    """All that must fail."""
    for name, (says, change) in PLANS.items():
        yield from plan_case(name, says, change)
    for name, (says, change) in MODELS.items():
        yield model_case(name, says, change)
    missing = ["no-such.plan", *RUN]
    yield Case("plan: no file", "sluice-run", lambda f, g: missing, "no-such.plan")
    yield Case("plan: a directory", "sluice-run", lambda f, g: [f, *RUN], "directory")
    gone = ["--model", "/no/such/model", *RUN]
    yield Case(
        "plan: no model folder", "sluice-run", lambda f, g: [g.plan, *gone], "/no/such/model"
    )


def flips():
    """Plans that may run or fail."""
    return [flipped(seed) for seed in range(FLIPS)]
