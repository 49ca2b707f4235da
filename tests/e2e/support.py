"""What the end-to-end tests share: safetensors files and Sluice's tools as processes.

Standard library only, so that a fresh machine can run the tests.
"""

import array
import json
import math
import os
import re
import struct
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKPOINTS = os.path.join(HERE, "checkpoints")
DEMO = os.path.normpath(os.path.join(HERE, "..", "..", "models", "demo"))
PROFILES = os.path.join(HERE, "..", "..", "compiler", "analysis", "hardware")
SMALLEST = re.compile(r"smallest budget that works is --gpu-memory (\d+)")
DTYPE_BYTES = {"BF16": 2, "F16": 2, "F32": 4, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}
ARRAY_CODES = {"F32": "f", "I32": "i", "U8": "B"}


class TestFailure(Exception):
    """An expectation that does not hold; the message is the report."""


@dataclass
class Tensor:
    """A tensor as a safetensors file holds it: little-endian bytes, last dim fastest."""

    dtype: str
    shape: tuple
    data: bytes

    def values(self):
        """The elements as an array of floats or ints; F32, I32 and U8 only."""
        found = array.array(ARRAY_CODES[self.dtype])
        found.frombytes(self.data)
        return found

    def rows(self):
        """The elements as tuples, one for every index of the first dim."""
        flat = self.values()
        width = math.prod(self.shape[1:])
        return [tuple(flat[i * width : (i + 1) * width]) for i in range(self.shape[0])]


def read_safetensors(path):
    """{name: Tensor} of one file."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    start, tensors = 8 + length, {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = content[start + begin : start + end]
        tensors[name] = Tensor(entry["dtype"], tuple(entry["shape"]), data)
    return tensors


def safetensors_header(entries, metadata=None):
    """The length prefix and JSON of a file.

    `entries` is {name: (dtype, shape)}; the data follow in that order without gaps.
    """
    header, offset = {"__metadata__": metadata or {"format": "pt"}}, 0
    for name, (dtype, shape) in entries.items():
        size = math.prod(shape) * DTYPE_BYTES[dtype]
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_safetensors(path, tensors):
    """Writes {name: Tensor}."""
    with open(path, "wb") as file:
        file.write(safetensors_header({name: (t.dtype, t.shape) for name, t in tensors.items()}))
        for tensor in tensors.values():
            file.write(tensor.data)


def read_json(path):
    """The content of a JSON file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    """Writes JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


def relative_error(found, wanted):
    """||found - wanted|| / ||wanted||; infinite when the lengths differ or a value is no number."""
    if len(found) != len(wanted):
        return math.inf
    top = math.fsum((a - b) ** 2 for a, b in zip(found, wanted))
    bottom = math.fsum(b * b for b in wanted)
    return math.sqrt(top / bottom) if top == top and bottom > 0 else math.inf


class Tools:
    """Sluice's command-line tools in one build folder."""

    def __init__(self, bin_dir, timeout=300):
        self.bin_dir, self.timeout = os.path.abspath(bin_dir), timeout

    def path(self, tool):
        """The path of one tool."""
        return os.path.join(self.bin_dir, tool)

    def runner(self, backend):
        """The name of the sluice-run for a backend: CUDA's libraries make starting it slow."""
        lean = "sluice-run-cpu"
        return lean if backend == "cpu" and os.path.exists(self.path(lean)) else "sluice-run"

    def run(self, tool, *arguments, timeout=None):
        """Runs a tool to its end; the result has `returncode`, `stdout` and `stderr` as text."""
        command = [self.path(tool), *map(str, arguments)]
        return subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=timeout or self.timeout,
        )

    def check(self, tool, *arguments):
        """Runs a tool that must succeed."""
        result = self.run(tool, *arguments)
        if result.returncode != 0:
            shown = " ".join([tool, *map(str, arguments)])
            lines = "\n".join(result.stderr.strip().split("\n")[-15:])
            raise TestFailure(f"exit code {result.returncode} of: {shown}\n{lines}")
        return result

    def smallest_budget(self, *arguments):
        """The smallest --gpu-memory that sluice-compile says works with these arguments."""
        refused = self.run("sluice-compile", *arguments, "--gpu-memory", 1)
        found = SMALLEST.search(refused.stderr)
        if not found:
            raise TestFailure(f"--gpu-memory 1 names no smallest budget: {refused.stderr.strip()}")
        return int(found.group(1))

    def compile(self, model, plan, batch, max_seq, extra=()):
        """Compiles a checkpoint with float32 activations."""
        sizes = ["--batch", batch, "--max-seq", max_seq, "--activations", "f32"]
        return self.check("sluice-compile", model, "-o", plan, *sizes, *extra)


@dataclass
class Generated:
    """What one run of sluice-run wrote."""

    ids: list  # generated ids of each prompt
    logits: list  # Tensor [vocab] of each prompt: at its last position
    steps: list  # Tensor [steps, vocab] of each prompt: at every decode step
    routing: (
        dict  # (sequence, position): (token, expert ids, weights), ids of all MoE layers in turn
    )
    metrics: dict  # what --metrics wrote


def generate(tools, plan, prompts, tokens, work, backend="cpu", extra=()):
    """Runs a plan on prompts of ids for `tokens` greedy tokens each, past end tokens."""
    files = [os.path.join(work, name) for name in ("prompts.json", "ids.json")]
    files += [os.path.join(work, name) for name in ("logits.safetensors", "routing.safetensors")]
    files += [os.path.join(work, "metrics.json")]
    write_json(files[0], prompts)
    for path in files[1:]:
        if os.path.exists(path):
            os.remove(path)
    inputs = ["--prompt-ids", files[0], "--max-tokens", tokens, "--ignore-eos"]
    outputs = ["--ids-out", files[1], "--logits-out", files[2], "--step-logits"]
    outputs += ["--record-routing", files[3], "--metrics", files[4]]
    runner = tools.runner(backend)
    tools.check(runner, plan, "--backend", backend, *inputs, *outputs, *extra)
    logits = read_safetensors(files[2])
    numbers = range(len(prompts))
    wanted = [f"{kind}.{i}" for kind in ("logits", "steps") for i in numbers]
    if missing := [name for name in wanted if name not in logits]:
        raise TestFailure(f"--logits-out has no {missing[0]}: found {sorted(logits)}")
    return Generated(
        read_json(files[1]),
        [logits[f"logits.{i}"] for i in numbers],
        [logits[f"steps.{i}"] for i in numbers],
        routing_by_position(read_safetensors(files[3])),
        read_json(files[4]),
    )


def demo_prompts():
    """The demo model's golden prompts, as ids."""
    return [entry["prompt_ids"] for entry in read_json(DEMO + "/golden.json")["prompts"]]


def record_demo(tools, work, tokens):
    """The path of a recording of those prompts and `tokens` that follow each."""
    plan = os.path.join(work, "recorded.plan")
    model = os.path.join(DEMO, "target")
    tools.check("sluice-compile", model, "-o", plan, "--batch", 8, "--max-seq", 256)
    generate(tools, plan, demo_prompts(), tokens, work, "cpu")
    return os.path.join(work, "routing.safetensors")


def routing_by_position(tensors):
    """A recorded routing file as {(sequence, position): (token, expert ids, weights)}."""
    names = ("sequences", "positions", "tokens", "experts", "weights")
    if missing := [name for name in names if name not in tensors]:
        raise TestFailure(f"--record-routing has no tensor {missing[0]}: found {sorted(tensors)}")
    sequences, positions, tokens = (tensors[name].values() for name in names[:3])
    rows, experts, weights = {}, tensors["experts"].rows(), tensors["weights"].rows()
    for row, key in enumerate(zip(sequences, positions)):
        if key in rows:
            raise TestFailure(f"--record-routing has sequence {key[0]} position {key[1]} twice")
        rows[key] = (tokens[row], experts[row], weights[row])
    return rows
