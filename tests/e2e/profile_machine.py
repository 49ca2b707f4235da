"""sluice-profile measures this machine and refuses what it cannot; no times.

python3 profile_machine.py --bin build/bin
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

ROWS = [1, 2, 4, 5, 8, 9, 16]


def profile(tool, output, *flags):
    """Runs the tool as briefly as it goes: (exit code, stderr)."""
    command = [tool, "-o", output, "--backend", "cpu", "--budget-ms", "1", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr


def check_figures(hardware):
    """The host's figures are measured, and over the memory that was asked for."""
    experts = hardware["host_expert_gb_s_by_rows"]
    rows = [point[0] for point in experts["points"]]
    if rows != ROWS or min(point[1] for point in experts["points"]) <= 0:
        sys.exit(f"host experts have {experts['points']}, expected rates for rows {ROWS}")
    # 7 experts of 9 MiB are what 64 MiB hold.
    if "63 MiB" not in experts["source"]:
        sys.exit(f"host experts are '{experts['source']}', expected them over 63 MiB")
    if "host_memory_shared_gb_s" in hardware:
        sys.exit("host_memory_shared_gb_s is there, expected none without a bus")


def check_assumed(hardware, said):
    """What nobody measured says so and why, in the profile and in the log."""
    for key, why in [
        ("disk_read_gb_s", "no --plan names a checkpoint to read"),
        ("tensor_tflops", "no --plan has such a product"),
        ("vector_tflops", "no --plan has such a product"),
    ]:
        source = hardware[key]["source"]
        if not source.startswith(f"assumed: not measured by sluice-profile ({why})"):
            sys.exit(f"{key} is '{source}', expected why it is not measured")
        if f"{key} is assumed, not measured: {why}" not in said:
            sys.exit(f"the log says nothing of {key}: {said}")


def main():
    """One profile, and three that are refused."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    tool = os.path.join(parser.parse_args().bin, "sluice-profile")
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "hw.json")
        code, said = profile(tool, output, "--host-memory", "64MiB")
        if code != 0:
            sys.exit(f"sluice-profile ended with {code}: {said}")
        with open(output, encoding="utf-8") as file:
            hardware = json.load(file)
        check_figures(hardware)
        check_assumed(hardware, said)
        os.remove(output)
        for size, expected, words in [
            ("0", 2, "--host-memory"),
            ("some", 2, "--host-memory"),
            ("1MiB", 1, "expected room for one expert of 9437184"),
        ]:
            code, said = profile(tool, output, "--host-memory", size)
            if code != expected or words not in said:
                sys.exit(
                    f"--host-memory {size} ended with {code} and '{said}', "
                    f"expected {expected} and '{words}'"
                )
            if os.path.exists(output):
                sys.exit(f"--host-memory {size} left a file")


if __name__ == "__main__":
    main()
