#!/usr/bin/env python3
"""Holds the figures of --explain, on standard input, against each other.

The parts of `a layer` must add up to its time. With --batch auto where none of Klotski's
constraints decides, the tokens a second that n was chosen by must be those that are then
predicted, but for a few per cent: which slots n leaves is estimated there, and known here.
Prints n.

usage: sluice-compile ... --explain | check_explain.py
"""

import re
import sys

NUMBER = r"(\d+\.\d)"
LAYER = re.compile(
    rf"^  a layer +{NUMBER} us: attention and gate {NUMBER}(?:, round trip {NUMBER})?"
    rf", {NUMBER} (?:for|until) .*, {NUMBER} after them$",
    re.MULTILINE,
)
BATCHES = re.compile(r"^batches n +(\d+)", re.MULTILINE)
BRINGS = re.compile(rf"^batches n .*this brings {NUMBER} of at most", re.MULTILINE)
PREDICTED = re.compile(rf"^predicted step +.* ms, {NUMBER} tokens a second of (\d+) batches", re.M)
MOST_APART = 0.03


def find(pattern, text):
    """The groups of the one match, as numbers."""
    found = pattern.findall(text)
    if len(found) != 1:
        sys.exit(f"{len(found)} of {pattern.pattern!r}, expected one, in\n{text}")
    groups = found[0] if isinstance(found[0], tuple) else found
    return [float(group) for group in groups if group]


def main():
    """Checks what is there; ends with 1 and a line that says why."""
    text = sys.stdin.read()
    total, *parts = find(LAYER, text)
    if abs(sum(parts) - total) > 0.05 * (len(parts) + 1) + 1e-6:
        sys.exit(f"the parts of a layer are {parts}, {sum(parts):.1f} us, expected {total}")
    rate, batches = find(PREDICTED, text)
    if find(BATCHES, text) != [batches]:
        sys.exit(f"n is {find(BATCHES, text)}, expected the {batches:.0f} of the prediction")
    if "this brings" in text:
        (brings,) = find(BRINGS, text)
        if abs(brings / rate - 1) > MOST_APART:
            sys.exit(f"chosen by {brings} tokens a second, predicted are {rate}")
    print(f"n is {batches:.0f}")


if __name__ == "__main__":
    main()
