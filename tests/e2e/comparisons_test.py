"""The comparisons of these tests must be able to fail: unit tests on made-up results."""

import array
import os
import subprocess
import tempfile
import unittest

import hostile
from hostile_cases.base import Case
from invariance import differences, same_run
from run_goldens import compare, golden_models
from support import (
    Generated,
    Tensor,
    TestFailure,
    read_json,
    read_safetensors,
    relative_error,
    routing_by_position,
    write_safetensors,
)


def floats(*values):
    """A float32 tensor."""
    return Tensor("F32", (len(values),), array.array("f", values).tobytes())


def ints(shape, values):
    """An int32 tensor."""
    return Tensor("I32", shape, array.array("i", values).tobytes())


def made_up():
    """(golden prompts, golden tensors, results that agree with them)."""
    prompts = [{"prompt_ids": [5, 6], "continuation_ids": [7, 8]}]
    golden = {
        "logits.0": floats(1.0, -2.0, 3.0),
        "experts.0": ints((1, 2), [4, 1]),
        "expert_weights.0": floats(0.75, 0.25),
        "all_experts.0": ints((3, 1, 2), [0, 1, 4, 1, 2, 3]),
    }
    routing = {
        (0, 0): (5, (0, 1), (0.5, 0.5)),
        (0, 1): (6, (4, 1), (0.75, 0.25)),
        (0, 2): (7, (2, 3), (0.5, 0.5)),
    }
    steps = [Tensor("F32", (1, 3), floats(1.0, 2.0, 3.0).data)]
    return prompts, golden, Generated([[7, 8]], [floats(1.0, -2.0, 3.0)], steps, routing, {})


class Comparisons(unittest.TestCase):
    """compare() finds each kind of difference, and none where there is none."""

    def problems(self, change):
        """What compare() says after `change(found)`."""
        prompts, golden, found = made_up()
        change(found)
        return compare(prompts, golden, found)[0]

    def expect(self, fragment, change):
        """compare() must find one problem that says `fragment`."""
        problems = self.problems(change)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(fragment, problems[0])

    def test_equal(self):
        self.assertEqual(self.problems(lambda found: None), [])

    def test_tokens(self):
        self.expect("other tokens from index 1", lambda f: f.ids.__setitem__(0, [7, 9]))
        self.expect("other tokens from index 1", lambda f: f.ids.__setitem__(0, [7]))
        self.expect("0 results", lambda f: f.ids.clear())

    def test_logits(self):
        def scale(by):
            return lambda f: f.logits.__setitem__(0, floats(by, -2 * by, 3 * by))

        self.assertEqual(self.problems(scale(1.00005)), [])
        self.expect("logits differ", scale(1.0003))
        self.expect("logits differ", scale(float("nan")))
        self.expect("logits differ", lambda f: f.logits.__setitem__(0, floats(1.0, -2.0)))

    def test_routing(self):
        def put(position, row):
            return lambda f: f.routing.__setitem__((0, position), row)

        self.expect("experts (1, 4)", put(1, (6, (1, 4), (0.75, 0.25))))
        self.expect("experts (2, 5)", put(2, (7, (2, 5), (0.5, 0.5))))
        self.expect("token 9", put(2, (9, (2, 3), (0.5, 0.5))))
        self.expect("expert weights", put(1, (6, (4, 1), (0.7, 0.3))))
        self.expect("no routing recorded at position 2", lambda f: f.routing.pop((0, 2)))

    def test_every_checkpoint_has_whole_goldens(self):
        models = list(golden_models())
        self.assertGreaterEqual(len(models), 13)
        for _, model, folder in models:
            prompts = read_json(os.path.join(folder, "golden.json"))["prompts"]
            golden = read_safetensors(os.path.join(folder, "golden.safetensors"))
            config = read_json(os.path.join(model, "config.json"))
            for index, entry in enumerate(prompts):
                self.assertGreaterEqual(len(entry["continuation_ids"]), 16)
                self.assertEqual(golden[f"logits.{index}"].shape, (config["vocab_size"],))
                top_k = config["num_experts_per_tok"]
                self.assertEqual(golden[f"experts.{index}"].shape[1], top_k)


class Invariance(unittest.TestCase):
    """A single other bit is found."""

    def test_bits(self):
        _, _, first = made_up()
        _, _, second = made_up()
        self.assertEqual(list(same_run(first, second)), [])
        self.assertEqual(list(differences(first, second, 0)), [])
        second.logits[0] = floats(1.0, -2.0, 3.0000002)
        second.steps[0].data = floats(1.0, 2.0, 3.0000002).data
        self.assertEqual(list(same_run(first, second)), ["other logits", "other steps"])
        self.assertEqual(len(list(differences(first, second, 0))), 2)
        second.routing[0, 1] = (6, (4, 1), (0.75, 0.25000003))
        self.assertIn("other routing", list(same_run(first, second)))


class Files(unittest.TestCase):
    """The small safetensors reader and writer."""

    def test_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.safetensors")
            tensors = {"a": floats(1.0, 2.0), "b": ints((2, 1), [3, -4])}
            write_safetensors(path, tensors)
            self.assertEqual(read_safetensors(path), tensors)

    def test_routing_file(self):
        one = ints((2,), [0, 0])
        tensors = {
            "sequences": one,
            "positions": ints((2,), [0, 1]),
            "tokens": ints((2,), [8, 9]),
            "experts": ints((2, 1, 2), [1, 2, 3, 4]),
            "weights": Tensor("F32", (2, 1, 2), floats(0.5, 0.5, 0.25, 0.75).data),
        }
        rows = routing_by_position(tensors)
        self.assertEqual(rows[0, 1], (9, (3, 4), (0.25, 0.75)))
        with self.assertRaisesRegex(TestFailure, "twice"):
            routing_by_position(tensors | {"positions": one})
        del tensors["weights"]
        with self.assertRaisesRegex(TestFailure, "no tensor weights"):
            routing_by_position(tensors)

    def test_relative_error(self):
        self.assertEqual(relative_error([1.0, 2.0], [1.0, 2.0]), 0.0)
        self.assertAlmostEqual(relative_error([3.0, 4.5], [3.0, 4.0]), 0.1)
        self.assertEqual(relative_error([1.0], [1.0, 2.0]), float("inf"))
        self.assertEqual(relative_error([float("nan")], [1.0]), float("inf"))


class HostileVerdicts(unittest.TestCase):
    """judge() accepts one clean refusal and nothing else."""

    def verdict(self, code, stderr, left=()):
        """What judge() says of a tool that ended so."""
        case = Case("x", "sluice-compile", None, "bad.json", output="out.plan")
        with tempfile.TemporaryDirectory() as folder:
            for name in left:
                with open(os.path.join(folder, name), "w", encoding="utf-8"):
                    pass
            result = subprocess.CompletedProcess([], code, "", stderr)
            return hostile.judge(case, result, folder)

    def test_verdicts(self):
        clean = "tool: error: bad.json: found 1\n"
        self.assertIsNone(self.verdict(1, clean))
        self.assertIn("exit code 0", self.verdict(0, clean))
        self.assertIn("exit code -11", self.verdict(-11, clean))
        self.assertIn("exit code 134", self.verdict(134, clean))
        self.assertIn("0 error lines", self.verdict(1, ""))
        self.assertIn("2 error lines", self.verdict(1, clean * 2))
        self.assertIn("does not say", self.verdict(1, "tool: error: good.json\n"))
        self.assertIn("a report", self.verdict(1, clean + "==1==ERROR: AddressSanitizer: heap\n"))
        self.assertIn("left out.plan", self.verdict(1, clean, ["out.plan.part-7"]))


if __name__ == "__main__":
    unittest.main()
