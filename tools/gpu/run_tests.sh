#!/usr/bin/env bash
# Runs prebuilt CUDA tests on a machine that has a GPU and none of the build.
#
#   tools/gpu/run_tests.sh DIR [LOGS]
#
# DIR holds stripped binaries (tools/gpu/collect.sh makes it). Runs cuda_kernels_test
# and every other *_test or test_* there, the end-to-end tests if DIR/plans is there and
# this is run in a checkout, then compute-sanitizer's memcheck and racecheck over few cases (backend_test too, when it
# is there), then the benchmark.
# Prints a short table last; ends with 1 when anything failed. A test that finds
# no GPU, a missing binary and a missing tool are failures here. Full logs go to
# LOGS (default: a new folder in /tmp). SLUICE_SANITIZER_CASES: cases a kernel under
# compute-sanitizer (default 3).
set -u

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
  echo "usage: $0 DIR [LOGS], with DIR a folder of prebuilt binaries" >&2
  exit 2
fi
dir=$(cd "$1" && pwd)
logs=${2:-$(mktemp -d /tmp/sluice-gpu.XXXXXX)}
mkdir -p "$logs"
cases=${SLUICE_SANITIZER_CASES:-3}
failed=0
table=""

export LD_LIBRARY_PATH="$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# The runtime is linked statically; cuBLASLt comes from the toolkit or, without
# one, from a Python package.
for place in /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 \
    /opt/*/.venv/lib/python3*/site-packages/nvidia/cu13/lib \
    "$(dirname "$(find /opt /usr -name libcublasLt.so.13 -print -quit 2>/dev/null)" 2>/dev/null)"; do
  if [ -e "$place/libcublasLt.so.13" ]; then
    LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$place"
    break
  fi
done

row() { table+=$(printf '%-28s %-6s %6s s  %s' "$1" "$2" "$3" "$4")$'\n'; }

# step NAME SECONDS COMMAND...: runs it under a time limit and adds a row.
step() {
  local name=$1 limit=$2 log="$logs/$1.log" start=$SECONDS code=0 note
  shift 2
  echo "== $name: $*"
  timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 || code=$?
  note=$(grep -E '^\[  (PASSED|FAILED)  \]|ERROR SUMMARY|RACECHECK SUMMARY|^skipped|ways give|plans agree' "$log" | head -4 | tr '\n' ';')
  if [ $code -eq 0 ] && grep -q -E '^skipped: no GPU|^cuda is (compiled but )?not ' "$log"; then
    code=77
  fi
  if [ $code -eq 0 ]; then
    row "$name" ok $((SECONDS - start)) "$note"
  else
    failed=1
    [ $code -eq 127 ] && note="not found: $1"
    [ $code -eq 124 ] && note="over its limit of $limit s; $note"
    row "$name" "FAIL" $((SECONDS - start)) "exit $code; $note"
    echo "-- the end of $log:"
    tail -n 25 "$log"
  fi
}

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || echo "nvidia-smi gives nothing"

step cuda_kernels_test 150 "$dir/cuda_kernels_test" --gtest_brief=1
for test in "$dir"/*_test "$dir"/test_*; do
  name=$(basename "$test")
  [ -x "$test" ] && [ "$name" != cuda_kernels_test ] && step "$name" 200 "$test" --gtest_brief=1
done
e2e=$(cd "$(dirname "$0")" && pwd)/e2e.sh
if [ ! -d "$dir/plans" ]; then
  row e2e skipped 0 "no $dir/plans: collect.sh makes them where sluice-compile is"
elif [ ! -f "$e2e" ]; then
  row e2e skipped 0 "run tools/gpu/run_tests.sh in a checkout: its scripts are not here"
else
  step e2e 400 bash "$e2e" "$dir"
fi

# The tests look at every code CUDA returns, so that memcheck need not report those
# that cuBLASLt tries and takes back; the library's kernels are not ours to race.
step memcheck 180 env SLUICE_CASES="$cases" compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 99 \
  "$dir/cuda_kernels_test" --gtest_brief=1
# Without the allocations of gigabytes and the long trace, which say nothing more here, and
# without what a launch that waits for others, as here they do, would hold up.
if [ -x "$dir/backend_test" ]; then
  step memcheck_backend 180 compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 99 \
    "$dir/backend_test" --gtest_brief=1 --gtest_filter='*/cuda-*Memory.MayBeMuch*:*Memory.Refused*:*.MayBeLong*:*.AStreamRuns*:*.QueryDoesNotWait*'
fi
step racecheck 180 env SLUICE_CASES="$cases" SLUICE_WITHOUT_CUBLAS=1 compute-sanitizer \
  --tool racecheck --error-exitcode 99 "$dir/cuda_kernels_test" --gtest_brief=1
step cuda_kernels_bench 60 "$dir/cuda_kernels_bench"
cat "$logs/cuda_kernels_bench.log"

echo
echo "logs: $logs"
printf '%s' "$table"
exit $failed
