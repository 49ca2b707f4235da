#!/usr/bin/env bash
# The end-to-end tests that need a GPU, with plans compiled elsewhere.
#
#   tools/gpu/e2e.sh DIR
#
# In a checkout; DIR as tools/gpu/collect.sh makes it where sluice-compile is. The demo
# model over budgets, tiers, policies, passes and ways to compute what is missing, with host
# memory that can be pinned and with the refusal to pin, must give the bits of everything
# resident; plans of all arithmetics and checkpoints the bits of the cpu backend. Ends with
# 1 when one does not.
set -u

if [ $# -lt 1 ] || [ ! -d "$1/plans" ]; then
  echo "usage: $0 DIR, with DIR/plans as tools/gpu/collect.sh makes it" >&2
  exit 2
fi
dir=$(cd "$1" && pwd)
tests=$(cd "$(dirname "$0")/../../tests/e2e" && pwd)
failed=0

run() { # run NAME COMMAND...: its last line is what it found
  local name=$1
  shift
  echo "== $name"
  "$@" || failed=1
}
run "budgets" python3 -B "$tests/budgets.py" --bin "$dir" --plans "$dir/plans/budgets" --backend cuda
run "budgets, pinning refused" env SLUICE_FAULT=pin \
  python3 -B "$tests/budgets.py" --bin "$dir" --plans "$dir/plans/budgets" --backend cuda
run "backends agree" python3 -B "$tests/backends_agree.py" --bin "$dir" --plans "$dir/plans/agree"
exit $failed
