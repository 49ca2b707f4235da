#!/usr/bin/env bash
# From a fresh Debian 12 to generated text: installs packages, builds, compiles the
# demo model to a plan and runs it. Run again, it does only what has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${SLUICE_BUILD_DIR:-build}
demo=models/demo/target
plan=$build/demo.plan

tools/install_packages.sh
if [ ! -f "$build/build.ninja" ]; then
  cmake -G Ninja -S . -B "$build" -DSLUICE_BUILD_TESTS=ON >"$build.configure.log" 2>&1 ||
    { cat "$build.configure.log" >&2; exit 1; }
  grep '^-- Sluice:' "$build.configure.log" || true
  mv "$build.configure.log" "$build/configure.log"
fi
echo "Building into $build/ (a first build takes some minutes)"
ninja -C "$build" --quiet sluice-compile sluice-run sluice-dump

if [ ! -f "$plan" ] || [ "$build/bin/sluice-compile" -nt "$plan" ] || [ "$demo/config.json" -nt "$plan" ]; then
  (set -x && "$build/bin/sluice-compile" "$demo" -o "$plan")
fi
(set -x && "$build/bin/sluice-run" "$plan" --prompt "Once upon a time" --max-tokens 96)
