"""What breaks while a plan runs ends in one clear error or in a named fallback, never in
a wrong token and never in a hang.

    python3 faults.py --bin build/bin [--filter NAME] [--without NAME]
    python3 faults.py --bin build/bin --make DIR           # only compile the plans
    python3 faults.py --bin DIR --plans DIR --backend cuda # only run them, elsewhere

The demo model with experts on disk, in host memory, and on both; failures by SLUICE_FAULT
(runtime/core/fault.h) and by damage to the files, before and during a run. An error must
be exit code 1 and one line that says what it should, after text that begins as it does
without the failure; a fallback must be named in one line and give the same text.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Callable, Optional

from memory import smallest
from support import CHECKPOINTS, DEMO, TestFailure, Tools

MODEL = os.path.join(DEMO, "target")
OTHER = os.path.join(CHECKPOINTS, "fused_f16_shards")
SHARD = "model-0000{}-of-00002.safetensors"
SIZES = ["--batch", 1, "--max-seq", 1024, "--arithmetic", "portable"]
PROMPT, TOKENS, LONG = "Once upon a time", 80, 450
HANG = 120  # seconds: every run here takes a few
URING = r"io_uring: refused: .*; experts are read from disk by \d+ threads"
DIRECT = r"direct reads are refused for 2 of 2 weight files .*; they are read through"
PIN = r"host memory stays pageable"
GRAPH = r"decode: no more graphs are captured, steps without them will be slower; "
CUT = r"model-0000\d-of-00002.safetensors: size \d+, expected \d+: .* compiled from another"
EIO = r"model-0000\d-of-00002.safetensors: cannot read at byte \d+: Input/output error; wanted for"
SHRUNK = r"model-0000\d-of-00002.safetensors: .*(truncated|shrank|ends at)"


def cut(*shards, to=None):
    """A change that cuts shards off: by 64 bytes, or down to `to`."""

    def change(model):
        for shard in shards:
            path = os.path.join(model, SHARD.format(shard))
            os.truncate(path, os.path.getsize(path) - 64 if to is None else to)

    return change


def edit_header(model):
    """Another name for the same bytes: what no read would notice."""
    with open(os.path.join(model, SHARD.format(2)), "r+b") as file:
        text = file.read(4096)
        at = text.index(b'"pt"')
        file.seek(at)
        file.write(b'"pT"')


def replace_shards(model):
    """Other files under the same names, as an update of the checkpoint does it."""
    for shard in (1, 2):
        path = os.path.join(model, SHARD.format(shard))
        with open(path + ".new", "wb") as file:
            file.write(b"\0" * os.path.getsize(path))
        os.replace(path + ".new", path)


def remove_shards(model):
    """Nothing under the names."""
    for shard in (1, 2):
        os.remove(os.path.join(model, SHARD.format(shard)))


@dataclass
class Case:
    """One failure: `says` is in the one line that names it."""

    name: str
    plan: str  # disk, half, host: where experts live; other: of another checkpoint
    says: Optional[str] = None
    error: bool = True  # exit code 1, or a fallback that changes no token
    fault: str = ""
    before: Optional[Callable] = None  # damages the model's folder before the run
    during: Optional[Callable] = None  # the same, once the first text is there
    begins: bool = False  # the error comes after some text
    backend: str = ""  # the only one that can show it


def cases():
    """Every case but the allocations, which are counted as they come."""
    for plan in ("disk", "half"):
        yield Case(f"{plan}: io_uring refused", plan, URING, False, "uring")
        yield Case(f"{plan}: direct reads refused", plan, DIRECT, False, "direct")
        yield Case(f"{plan}: both refused", plan, DIRECT, False, "uring,direct")
        yield Case(f"{plan}: short reads", plan, None, False, "short")
        yield Case(f"{plan}: short reads by threads", plan, URING, False, "uring,short")
        yield Case(f"{plan}: short reads by the page cache", plan, DIRECT, False, "direct,short")
        for name, more in (("io_uring", ""), ("threads", "uring,"), ("page cache", "direct,")):
            fault = more + ("read:1500" if plan == "disk" else "read:450")
            yield Case(f"{plan}: a read fails midway, {name}", plan, EIO, fault=fault, begins=True)
    for plan in ("disk", "half", "host"):
        yield Case(f"{plan}: every read fails", plan, EIO, fault="read")
        yield Case(f"{plan}: the fifth read fails", plan, EIO, fault="read:5")
        yield Case(f"{plan}: a shard is cut", plan, CUT, before=cut(2))
        yield Case(f"{plan}: a shard is cut to its half", plan, CUT, before=cut(1, to=4 << 20))
        header = r"model-00002-of-00002.safetensors: .*header"
        yield Case(f"{plan}: a header changed", plan, header, before=edit_header)
        gone = r"'model-0000\d-of-00002.safetensors', which cannot be opened: No such file"
        yield Case(f"{plan}: shards are gone", plan, gone, before=remove_shards)
    yield Case("host: graphs refused", "host", GRAPH, False, "graph")
    yield Case("half: a later graph refused", "half", GRAPH, False, "graph:3")
    yield Case("host: short reads", "host", None, False, "short")
    yield Case("host: direct reads refused", "host", DIRECT, False, "direct")
    yield Case("disk: shards shrink midway", "disk", SHRUNK, begins=True, during=cut(1, 2, to=4096))
    more = {"begins": True, "fault": "direct", "during": cut(1, 2, to=4096)}
    yield Case("disk: shards shrink midway, page cache", "disk", SHRUNK, **more)
    yield Case("disk: shards replaced midway", "disk", None, False, during=replace_shards)
    yield Case("disk: shards removed midway", "disk", None, False, during=remove_shards)
    yield Case("host: shards shrink midway", "host", None, False, during=cut(1, 2, to=4096))
    yield Case("the plan of another checkpoint", "other", CUT)
    yield Case("host: pinning refused", "host", PIN, False, "pin", backend="cuda")


def make(tools, folder, work):
    """Compiles the plans."""

    def least(flag, arguments):
        return smallest(tools, MODEL, flag, 1, arguments, work)

    def write(name, arguments, model=MODEL):
        plan = os.path.join(folder, name + ".plan")
        tools.check("sluice-compile", model, "-o", plan, *arguments)

    write("other", SIZES[:2], OTHER)
    floor = [*SIZES, "--gpu-memory", least("--gpu-memory", SIZES)]
    write("host", [*floor, "--experts", "fetch"])
    disk = [*floor, "--experts", "fetch"]
    write("disk", [*disk, "--host-memory", least("--host-memory", disk)])
    half = [*floor, "--experts", "split"]
    write("half", [*half, "--host-memory", least("--host-memory", half) + (4 << 20)])


class Runs:
    """Runs of sluice-run on copies of the demo model.

    One stays good, because direct reads of what was just written wait for the disk; what is to be
    damaged is copied anew.
    """

    def __init__(self, tools, options, plans, work):
        self.tools, self.backend, self.plans, self.work = tools, options.backend, plans, work
        self.good, self.damaged = os.path.join(work, "good"), os.path.join(work, "damaged")
        shutil.copytree(MODEL, self.good)
        self.known = {}
        self.direct = not re.search(DIRECT, self.run(Case("good", "disk"))[2])
        if not self.direct:
            print("no direct reads in this folder: io_uring is not reached", flush=True)

    def run(self, case):
        """(exit code, text, stderr) of one run."""
        model = self.good
        if case.before or case.during:
            model = self.damaged
            shutil.rmtree(model, ignore_errors=True)
            shutil.copytree(MODEL, model)
        if case.before:
            case.before(model)
        plan = os.path.join(self.plans, case.plan + ".plan")
        runner = self.tools.path(self.tools.runner(self.backend))
        command = [runner, plan, "--model", model, "--ignore-eos"]
        command += ["--backend", self.backend, "--prompt", PROMPT]
        command += ["--max-tokens", str(LONG if case.during else TOKENS)]
        environment = {**os.environ, "SLUICE_FAULT": case.fault}
        with open(os.path.join(self.work, "stderr"), "w+b") as said:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment,
            )
            text = b""
            try:
                if case.during:
                    text = os.read(process.stdout.fileno(), 1)
                    case.during(model)
                text += process.communicate(timeout=HANG)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise TestFailure(f"still runs after {HANG} s") from None
            said.seek(0)
            return process.returncode, text, said.read().decode(errors="replace")

    def wanted(self, case):
        """The text without the failure."""
        key = (case.plan, bool(case.during))
        if key not in self.known:
            undisturbed = (lambda model: None) if case.during else None
            code, text, said = self.run(Case("good", case.plan, during=undisturbed))
            if code != 0 or not text:
                raise TestFailure(f"exit code {code} without any failure: {said.strip()[-300:]}")
            self.known[key] = text
        return self.known[key]

    def check(self, case, ended=None):
        """Yields what is wrong with a run of `case`, or with how one has `ended`."""
        code, text, said = ended or self.run(case)
        wanted = b"" if case.plan == "other" else self.wanted(case)
        lines = [line for line in said.strip().split("\n") if "sluice-run: info:" not in line]
        lines = [line for line in lines if line]
        shown = " / ".join(lines)[-400:]
        if code != int(case.error):
            yield f"exit code {code}, expected {int(case.error)}: {shown}"
        if case.error:
            errors = [line for line in lines if "sluice-run: error:" in line]
            if len(errors) != 1 or not re.search(case.says, errors[0]):
                yield f"found {shown!r}, expected one error with {case.says!r}"
            if not wanted.startswith(text) or len(text) == len(wanted) > 0:
                yield f"found the text {text[-80:]!r}, expected the beginning of the good one"
            if bool(text) != case.begins:
                yield f"found {len(text)} bytes of text before the error"
        else:
            if text != wanted:
                yield f"found the text {text[-80:]!r}, expected {wanted[-80:]!r}"
            if case.says == URING and not self.direct:
                return
            named = [line for line in lines if case.says and re.search(case.says, line)]
            if case.says and len(named) != 1:
                yield f"found {shown!r}, expected one line with {case.says!r}"

    def allocations(self):
        """Every allocation of a load fails once; yields what is wrong."""
        for plan in ("disk", "half"):
            for number in range(1, 100):
                case = Case("", plan, "SLUICE_FAULT=alloc refuses", fault=f"alloc:{number}")
                ended = self.run(case)
                if ended[0] == 0:
                    break
                problems = self.check(case, ended)
                yield from (f"{plan}, {case.fault}: {problem}" for problem in problems)
            print(f"  {plan}: {number - 1} allocations fail", flush=True)
            if number < 5:
                yield f"{plan}: only {number - 1} allocations can fail"


def main():
    """Compiles, runs, or both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--backend", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--filter", default="", help="only cases whose names hold this")
    parser.add_argument("--without", default="/", help="no cases whose names hold this")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--make", metavar="DIR", help="only compile the plans, into DIR")
    chosen.add_argument("--plans", metavar="DIR", help="only run the plans in DIR")
    options = parser.parse_args()
    tools, failed, count = Tools(options.bin), 0, 0
    with tempfile.TemporaryDirectory(prefix="sluice-faults-") as work:
        folder = options.plans or options.make or os.path.join(work, "plans")
        if not options.plans:
            os.makedirs(folder, exist_ok=True)
            make(tools, folder, work)
        if options.make:
            return
        runs = Runs(tools, options, folder, work)
        listed = [*cases(), Case("allocations fail", "", None)]
        for case in listed:
            if options.filter not in case.name or options.without in case.name:
                continue
            if case.backend not in ("", options.backend):
                print(f"{case.name}: left out, shows itself with --backend {case.backend} alone")
                continue
            try:
                problems = list(runs.check(case) if case.plan else runs.allocations())
            except TestFailure as failure:
                problems = [str(failure)]
            count, failed = count + 1, failed + bool(problems)
            print(f"{case.name}: {'; '.join(problems) or 'as it should'}", flush=True)
    print(f"{count - failed} of {count} end as they should")
    sys.exit(failed > 0 or count == 0)


if __name__ == "__main__":
    main()
