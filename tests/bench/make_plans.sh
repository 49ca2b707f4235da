#!/usr/bin/env bash
# Compiles the plans of tools/gpu/bench_experts.sh: Qwen3-30B-A3B's shapes in 16 GiB.
#
#   tests/bench/make_plans.sh BIN PLANS [HARDWARE]
#
# BIN holds sluice-compile; HARDWARE is hw.json of the machine that will run them
# (default: the H200's). The checkpoint has the right headers and no bytes.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 BIN PLANS [HARDWARE]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$1 plans=$2
hardware=${3:-$root/compiler/analysis/hardware/h200.json}
mkdir -p "$plans"
model=$plans/qwen3-30b-a3b
[ -e "$model/config.json" ] || python3 -B "$root/tests/e2e/make_sparse_checkpoint.py" qwen3-30b-a3b "$model"

plan() { # plan NAME FLAGS...
  local name=$1
  shift
  "$bin/sluice-compile" "$model" -o "$plans/q30.$name.plan" --gpu-memory 16GiB --hardware "$hardware" \
    --prefill-rows 128 --explain "$@" >"$plans/q30.$name.txt"
  echo "$name: $(grep '^predicted' "$plans/q30.$name.txt")"
}
plan b1.fetch --batch 1 --max-seq 512 --experts fetch
plan b1.split --batch 1 --max-seq 512 --experts split
plan b1.serial --batch 1 --max-seq 512 --schedule serial
plan b128.fetch --batch 128 --max-seq 64 --experts fetch
plan b128.auto --batch 128 --max-seq 64 --experts auto
