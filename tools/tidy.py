#!/usr/bin/env python3
"""Runs clang-tidy over every C++ source of a build, tests aside, and fails on a finding.

A source that was clean is not looked at again until it, a project header that it
includes, or .clang-tidy changes: the keys of clean sources are kept in the build
folder.

usage: tools/tidy.py BUILD_DIR
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-22"
# Headers that GCC precompiled are of no use to it, which is no finding.
EXTRA = ["--extra-arg=-Wno-ignored-gch"]


def dependencies(build):
    """Ninja's record of what each object was built from: object -> list of paths."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    result, current = {}, None
    for line in listing.splitlines():
        if line and not line.startswith(" "):
            current = result.setdefault(line.split(": #deps")[0], [])
        elif line.strip():
            current.append(line.strip())
    return result


def key(source, object_file, deps, build):
    """A hash of everything of the project that a finding could depend on."""
    paths = {str(source), str(ROOT / ".clang-tidy")}
    for path in deps.get(object_file, []):
        full = (build / path).resolve()
        if full.is_relative_to(ROOT) and full.exists():
            paths.add(str(full))
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(hashlib.sha256(pathlib.Path(path).read_bytes()).digest())
    return digest.hexdigest()


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1]).resolve()
    clean_file = build / "tidy-clean.json"
    clean = json.loads(clean_file.read_text()) if clean_file.exists() else {}
    deps = dependencies(build)

    work = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(command["file"])
        generated = source.is_relative_to(build)
        if source.suffix != ".cpp" or generated or not source.is_relative_to(ROOT):
            continue
        if source.is_relative_to(ROOT / "tests"):
            continue
        identity = key(source, command.get("output", ""), deps, build)
        if clean.get(str(source)) != identity:
            work[source] = identity

    def tidy(source):
        return subprocess.run([TIDY, "-p", build, *EXTRA, "--quiet", source], capture_output=True, text=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, result in zip(work, pool.map(tidy, work)):
            if result.returncode == 0:
                clean[str(source)] = work[source]
            else:
                failed += 1
                print(result.stdout.strip() or result.stderr.strip(), flush=True)
    clean_file.write_text(json.dumps(clean))
    print(f"clang-tidy: {len(work)} sources looked at, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
