#!/usr/bin/env bash
# Runs every fuzzer in BIN_DIR for SECONDS, all at once, from the committed seeds.
# usage: tests/fuzz/run.sh BIN_DIR SECONDS
set -euo pipefail
bin=$1
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fuzz() { # NAME: in a corpus of its own, where a finding is left too
  mkdir "$work/$1"
  [ -d "$here/seeds/$1" ] && cp -r "$here/seeds/$1/." "$work/$1"
  cd "$work/$1"
  "$bin/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 "$work/$1" >"$work/$1.log" 2>&1
}

names=() running=()
for source in "$here"/*_fuzz.cpp; do
  names+=("$(basename "$source" .cpp)")
  fuzz "${names[-1]}" &
  running+=($!)
done
[ ${#names[@]} -gt 0 ] || { echo "error: no fuzzer in $here" >&2; exit 1; }

failed=0
for i in "${!names[@]}"; do
  shown=12
  wait "${running[$i]}" || { failed=$((failed + 1)); shown=60; }
  echo "== ${names[$i]}"
  tail -n "$shown" "$work/${names[$i]}.log"
done
[ "$failed" -eq 0 ] || { echo "error: $failed of ${#names[@]} fuzzers failed" >&2; exit 1; }
echo "${#names[@]} fuzzers ran $seconds s each and found nothing"
