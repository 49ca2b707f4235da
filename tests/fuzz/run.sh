#!/usr/bin/env bash
# Runs every fuzzer in BIN_DIR for SECONDS each, from the committed seeds.
# usage: tests/fuzz/run.sh BIN_DIR SECONDS
set -euo pipefail
bin=$1
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)

count=0
for source in "$here"/*_fuzz.cpp; do
  name=$(basename "$source" .cpp)
  corpus=$(mktemp -d)
  trap 'rm -rf "$corpus"' EXIT
  [ -d "$here/seeds/$name" ] && cp -r "$here/seeds/$name/." "$corpus"
  echo "== $name"
  (cd "$corpus" && "$bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 "$corpus" 2>&1 | tail -n 12)
  rm -rf "$corpus"
  count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "error: no fuzzer in $here" >&2; exit 1; }
echo "$count fuzzers ran $seconds s each and found nothing"
