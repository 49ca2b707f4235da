"""sluice-run must not need the compiler, and must stay small.

python3 lean.py --bin build/bin [--tool sluice-run-cpu] [--most-bytes 4000000]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

FOREIGN = re.compile(r"lib(MLIR|LLVM|clang)[^ ]*", re.IGNORECASE)


def shared_libraries(path):
    """What ldd says of a program."""
    return subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout


def stripped_size(path):
    """Bytes of a stripped copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "stripped")
        subprocess.run(["strip", "-o", copy, path], check=True)
        return os.path.getsize(copy)


def main():
    """Checks the libraries, and the size where a limit is given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the folder with Sluice's tools")
    parser.add_argument("--tool", default="sluice-run", help="the program to look at")
    parser.add_argument("--most-bytes", type=int, help="stripped; meant for builds without CUDA")
    options = parser.parse_args()
    path = os.path.join(options.bin, options.tool)
    libraries = shared_libraries(path)
    if "not found" in libraries:
        sys.exit(f"{path} lacks a library:\n{libraries}")
    if found := FOREIGN.search(libraries):
        sys.exit(f"{path} links {found.group()}, expected neither MLIR nor LLVM")
    size = stripped_size(path)
    print(f"{options.tool}: {size / 1e6:.2f} MB stripped, without MLIR and LLVM")
    if options.most_bytes is not None and size > options.most_bytes:
        sys.exit(f"{path} has {size} bytes stripped, expected at most {options.most_bytes}")


if __name__ == "__main__":
    main()
