"""Runs Sluice's tools on crafted bad input.

    python3 hostile.py --bin build/bin [--filter text] [--tool sluice-compile]

Every case breaks one thing of a tiny good model, made on the fly. The tool must end by
itself with exit code 1 (2 for bad usage), say what is wrong in exactly one error line,
and leave no output behind. A crash, a sanitizer's report or a time-out fails the case.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

from hostile_cases import configs, plans, tokenizers, usage, weights
from hostile_cases.base import GoodModel
from support import TestFailure, Tools

TIMEOUT = 60  # seconds for one case; sanitizers on a busy machine are slow
LONGEST_LINE = 1000
REPORT = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|PLEASE submit a bug report")


def crashed(result):
    """What a tool must never do, whatever it reads; None when it did not."""
    if result.returncode < 0 or result.returncode > 2:
        return f"exit code {result.returncode}"
    if found := REPORT.search(result.stderr):
        line = result.stderr[found.start() :].split("\n")[0]
        return f"a report on stderr: {line[:200]}"
    return None


def judge(case, result, folder):
    """What is wrong with the way a tool ended; None when nothing is."""
    if problem := crashed(result):
        return problem
    if result.returncode != case.code:
        return f"exit code {result.returncode}, expected {case.code}"
    lines = [line for line in result.stderr.split("\n") if line.strip()]
    errors = lines if case.code == 2 else [line for line in lines if ": error: " in line]
    if case.code == 1 and len(errors) != 1:
        return f"{len(errors)} error lines on stderr, expected one"
    if not any(case.says in line for line in errors):
        return f"the error does not say '{case.says}'"
    if any(len(line) > LONGEST_LINE for line in errors):
        return f"an error line of more than {LONGEST_LINE} characters"
    if case.output:
        left = [name for name in os.listdir(folder) if name.startswith(case.output)]
        if left:
            return f"left {left[0]} behind"
    return None


def run_case(tools, case, good, may_succeed=False):
    """(case, problem or None, stderr)."""
    with tempfile.TemporaryDirectory(prefix="sluice-hostile-") as folder:
        arguments = case.prepare(folder, good)
        try:
            result = tools.run(case.tool, *arguments, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return case, f"still running after {TIMEOUT} s", ""
        problem = crashed(result)
        if not may_succeed or (problem is None and result.returncode != 0):
            problem = judge(case, result, folder)
        return case, problem, result.stderr


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--filter", default="", help="only names that contain this")
    parser.add_argument("--tool", default="", help="only cases of this tool")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", action="store_true", help="print every error line")
    return parser.parse_args()


def main():
    """Runs every chosen case."""
    options = parse_arguments()
    tools = Tools(options.bin)
    must_fail = [
        case
        for module in (weights, configs, tokenizers, plans, usage)
        for case in module.cases()
        if options.filter in case.name and options.tool in case.tool
    ]
    may_run = [c for c in plans.flips() if options.filter in c.name and options.tool in c.tool]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sluice-good-") as folder:
        try:
            good = GoodModel(folder, tools)
        except TestFailure as failure:
            sys.exit(f"the good model does not compile: {failure}")
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            jobs = [pool.submit(run_case, tools, case, good) for case in must_fail]
            jobs += [pool.submit(run_case, tools, case, good, True) for case in may_run]
            for job in jobs:
                case, problem, stderr = job.result()
                if problem:
                    failed += 1
                    print(f"{case.name}: {problem}\n    {stderr.strip()[:1500]}", flush=True)
                elif options.verbose:
                    print(f"{case.name}:\n    {stderr.strip()[:300]}", flush=True)
    count = len(must_fail) + len(may_run)
    print(f"{count - failed} of {count} bad inputs ended as they should")
    sys.exit(1 if failed or not count else 0)


if __name__ == "__main__":
    main()
