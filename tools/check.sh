#!/usr/bin/env bash
# Everything that must hold before a change lands: style, build, every test, the
# sanitizer builds and a short run of each fuzzer. Needs no GPU. What is already
# built is not built again, so a second run is mostly the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${SLUICE_CHECK_DIR:-build-check}
jobs=${SLUICE_JOBS:-$(nproc)}
at_once=$((jobs + 1)) # tests: some wait for the disk
mkdir -p "$root"
clang=(-DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22)
results=()
failed=0
began=$SECONDS

# step NAME COMMAND...: runs it, keeps its log, prints one line, goes on.
step() {
  local name=$1 start=$SECONDS log="$root/$1.log"
  shift
  if "$@" >"$log" 2>&1; then
    results+=("ok      $name ($((SECONDS - start)) s)")
  else
    results+=("FAILED  $name ($((SECONDS - start)) s), log: $log")
    failed=$((failed + 1))
    tail -n 60 "$log"
  fi
  echo "${results[-1]}"
}

# configure DIR OPTIONS...: once.
configure() {
  local dir=$1
  shift
  [ -f "$dir/build.ninja" ] || cmake -G Ninja -S . -B "$dir" "$@"
}

build_and_test() { # DIR OPTIONS...
  local dir=$1
  shift
  configure "$dir" "$@" && ninja -C "$dir" -j "$jobs" &&
    ctest --test-dir "$dir" --output-on-failure --no-tests=error -j "$at_once"
}

# The tests that run several streams; the others would only cost build time here.
threads() {
  configure "$root/thread" -DSLUICE_SANITIZE=thread -DSLUICE_BUILD_COMPILER=OFF -DSLUICE_CUDA=OFF "${clang[@]}" &&
    ninja -C "$root/thread" -j "$jobs" backend_test dynamic_test executor_test &&
    ctest --test-dir "$root/thread" --output-on-failure --no-tests=error -j "$at_once" \
      -R '^(backend_test|dynamic_test|executor_test)$'
}

fuzz() {
  ninja -C "$root/address" -j "$jobs" fuzzers && tests/fuzz/run.sh "$PWD/$root/address/bin" 6
}

tools/install_packages.sh

step format tools/format.sh --check
step main build_and_test "$root/main"
grep -h '^-- Sluice:' "$root/main.log" || true
grep -hE '^[0-9]+% tests passed|\*\*\*Skipped' "$root/main.log" || true # skipped: for want of a GPU
# clang, which takes half of GCC's time where headers are precompiled: one build for the
# tests under AddressSanitizer and for the fuzzers. What is only repeated (random launches
# of the kernels, flipped bits, sizes) is slow there and done less often; `main` has run
# it all.
SLUICE_CASES=8 step address build_and_test "$root/address" -DSLUICE_SANITIZE=address -DSLUICE_CUDA=OFF \
  -DSLUICE_BUILD_FUZZERS=ON "${clang[@]}"
step thread threads
step fuzz fuzz

echo
printf '%s\n' "${results[@]}"
echo "checked in $((SECONDS - began)) s"
echo "$((${#results[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
