#!/usr/bin/env python3
"""Compares plan IR with what sluice-dump --json says of the plan exported from it.

Arenas, buffers (their arena, offset, bytes and type) and the instructions of every entry
(kind, stream, kernel, buffers by name, events) must be the same, in the same order.

usage: compare_plan.py PLAN.mlir PLAN.json
"""

import json
import pathlib
import re
import sys

NUMBER = r"(-?\d+)"
ARENA = re.compile(rf'(%\S+) = plan\.arena "(.*)" (\w+) size {NUMBER}')
BUFFER = re.compile(rf'(%\S+) = plan\.buffer "(.*)" in (%\S+)\[{NUMBER}, {NUMBER}\] : (\w+)')
SOURCE = re.compile(r'(%\S+) = plan\.source "(.*)" from')
ENTRY = re.compile(r"plan\.entry @(\w+) rows")
LAUNCH = re.compile(r"plan\.launch (\w+)\((.*)\) \{.*\} (\w+) (\w+) on (\w+)")
COPY = re.compile(rf"plan\.copy (%\S+) to (%\S+) (\w+) {NUMBER} (recording )?on (\w+)")
FETCH = re.compile(r"plan\.fetch (%\S+) into (%\S+) on (\w+)")
RECORD = re.compile(r"(%\S+) = plan\.record on (\w+)")
WAIT = re.compile(r"plan\.wait (%\S+) on (\w+)")
# Instructions on experts and bounds of graphs: their kinds alone.
KINDS = {
    "demand": "ExpertDemand",
    "split": "ExpertSplit",
    "fetch_experts": "ExpertFetch",
    "run_host": "ExpertRunHost",
    "run_experts": "ExpertRun",
    "join": "ExpertJoin",
    "release": "ExpertRelease",
    "prefetch": "ExpertPrefetch",
    "graph_begin": "GraphBegin",
    "graph_end": "GraphEnd",
}
OTHER = re.compile(rf"plan\.({'|'.join(KINDS)}) ")


def plain(name):
    """CopyBack and copy_back, Rows and rows: one spelling."""
    return name.replace("_", "").lower()


def read_ir(text):
    """(arenas, buffers, instructions by entry) of plan IR."""
    arenas, buffers, entries = [], [], {}
    names, entry, events = {"none": None}, None, {}
    for line in map(str.strip, text.splitlines()):
        if match := ARENA.match(line):
            names[match[1]] = match[2]
            arenas.append((match[2], match[3], int(match[4])))
        elif match := BUFFER.match(line):
            names[match[1]] = match[2]
            buffers.append((match[2], names[match[3]], int(match[4]), int(match[5]), match[6]))
        elif match := SOURCE.match(line):
            names[match[1]] = match[2]
        elif match := ENTRY.match(line):
            entry, events = entries.setdefault(match[1], []), {}
        elif match := LAUNCH.match(line):
            operands = [names[operand] for operand in match[2].split(", ")]
            entry.append(("launch", match[5], match[1], match[3], match[4], operands))
        elif match := COPY.match(line):
            where = (names[match[1]], names[match[2]])
            entry.append(("copy", match[6], *where, match[3], int(match[4]), bool(match[5])))
        elif match := FETCH.match(line):
            entry.append(("fetch", match[3], names[match[1]], names[match[2]]))
        elif match := RECORD.match(line):
            events[match[1]] = len(events)
            entry.append(("record", match[2], events[match[1]]))
        elif match := WAIT.match(line):
            entry.append(("wait", match[2], events[match[1]]))
        elif match := OTHER.match(line):
            entry.append((KINDS[match[1]],))
    return arenas, buffers, entries


def read_json(plan):
    """The same of a plan."""
    arenas = [(arena["name"], arena["kind"].lower(), arena["bytes"]) for arena in plan["arenas"]]
    buffers = [
        (b["name"], arenas[b["arena"]][0], b["offset"], b["bytes"], b["dtype"].lower())
        for b in plan["buffers"]
    ]

    def name(index):
        return None if index == 2**32 - 1 else buffers[index][0]

    def instruction(step):
        kind, stream, op = step["operation_type"], step["stream"], step["operation"]
        if kind == "Launch":
            operands = [name(index) for index in op["operands"]]
            rest = (op["kernel"], op["rows"], op["arithmetic"], operands)
        elif kind == "Copy":
            rest = (name(op["source"]), name(op["target"]), op["rows"], op["bytes"], op["recording"])
        elif kind == "Fetch":
            rest = (plan["sources"][op["source"]]["tensor"], name(op["target"]))
        elif kind in KINDS.values():
            return (kind,)
        else:
            rest = (op["event"],)
        return (kind, stream, *rest)

    entries = {
        entry["name"]: [instruction(step) for step in entry["instructions"]]
        for entry in [plan["load"], *plan["entries"]]
    }
    return arenas, buffers, entries


def spelled(value):
    """Lists and tuples of anything, words in one spelling."""
    if isinstance(value, (list, tuple)):
        return [spelled(item) for item in value]
    return plain(value) if isinstance(value, str) else value


def main():
    ir = read_ir(pathlib.Path(sys.argv[1]).read_text())
    plan = read_json(json.loads(pathlib.Path(sys.argv[2]).read_text()))
    if not all(ir) or set(ir[2]) != set(plan[2]):
        sys.exit(f"expected arenas, buffers and the entries {list(plan[2])}, found {list(ir[2])}")
    pairs = [("arena", ir[0], plan[0]), ("buffer", ir[1], plan[1])]
    pairs += [("instruction of " + name, ir[2][name], plan[2][name]) for name in ir[2]]
    for what, ours, theirs in pairs:
        if len(ours) != len(theirs):
            sys.exit(f"{what}s: {len(ours)} in the IR, {len(theirs)} in the plan")
        for index, (one, other) in enumerate(zip(ours, theirs)):
            if spelled(one) != spelled(other):
                sys.exit(f"{what} {index}: {one} in the IR, {other} in the plan")


main()
