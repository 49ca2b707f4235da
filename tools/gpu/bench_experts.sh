#!/usr/bin/env bash
# The tables of tests/bench for experts that do not fit, on a machine that has a GPU and
# none of the build.
#
#   tools/gpu/bench_experts.sh DIR PLANS [LOGS]
#
# DIR holds stripped binaries (tools/gpu/collect.sh), PLANS the plans that
# tests/bench/make_plans.sh compiled. Weights are made up in memory, routing is uniform.
# Prints the tables; JSON and logs go to LOGS (default: a new folder in /tmp).
set -u

if [ $# -lt 2 ] || [ ! -d "$1" ] || [ ! -d "$2" ]; then
  echo "usage: $0 DIR PLANS [LOGS], with DIR a folder of binaries and PLANS one of plans" >&2
  exit 2
fi
dir=$(cd "$1" && pwd)
plans=$(cd "$2" && pwd)
logs=${3:-$(mktemp -d /tmp/sluice-bench.XXXXXX)}
mkdir -p "$logs"
failed=0
routing=synthetic:repeat=0,skew=0,seed=1

export LD_LIBRARY_PATH="$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for place in /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 \
    "$(dirname "$(find /opt /usr -name libcublasLt.so.13 -print -quit 2>/dev/null)" 2>/dev/null)"; do
  if [ -e "$place/libcublasLt.so.13" ]; then
    LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$place"
    break
  fi
done

# bench NAME PLAN FLAGS...: a table; the log has what stderr said.
bench() {
  local name=$1 plan=$2 start=$SECONDS
  shift 2
  echo "== $name: sluice-bench $(basename "$plan") $*"
  timeout --kill-after=10 "${SLUICE_BENCH_LIMIT:-200}" "$dir/sluice-bench" "$plan" --backend cuda \
    --synthetic-weights --routing "$routing" -p 0 "$@" 2>"$logs/$name.log" | tee "$logs/$name.out"
  if [ "${PIPESTATUS[0]}" -ne 0 ]; then
    failed=1
    tail -n 5 "$logs/$name.log"
  fi
  echo "   ($((SECONDS - start)) s)"
}

if [ -z "${SLUICE_BENCH_ONLY:-}" ] || [[ " $SLUICE_BENCH_ONLY " == *" profile "* ]]; then
  echo "== profile"
  timeout 200 "$dir/sluice-profile" -o "$logs/hw.json" --plan "$plans/q30.b128.fetch.plan" --backend cuda \
    --budget-ms 8 2>"$logs/profile.log" || { failed=1; tail -n 5 "$logs/profile.log"; }
  head -n 14 "$logs/hw.json" | cut -c 1-600
fi
run() { # run NAME FLAGS...: where it was asked for
  local name=$1
  shift
  [ -n "${SLUICE_BENCH_ONLY:-}" ] && [[ " $SLUICE_BENCH_ONLY " != *" $name "* ]] && return
  [ -e "$plans/q30.$name.plan" ] && bench "$name" "$plans/q30.$name.plan" "$@"
}
run b1.fetch -n 24 -r 3 -o json --bubbles
run b1.split -n 24 -r 3 -o json --bubbles
run b1.serial -n 1 -r 2 -o json --bubbles
run b128.fetch -n 3 -r 2 --sweep n --bubbles -o json
run b128.auto -n 3 -r 2 --sweep n --bubbles -o json
exit $failed
