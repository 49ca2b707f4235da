#!/usr/bin/env bash
# Puts stripped CUDA binaries of a build into a folder, to carry to a GPU machine,
# with the shared libraries of Debian that they need.
#
#   tools/gpu/collect.sh BUILD_DIR DIR [BINARY...]
#
# Takes bin/cuda_kernels_test, bin/cuda_kernels_bench, bin/backend_test and the BINARYs
# named (paths below BUILD_DIR or absolute), and run_tests.sh itself. Where BUILD_DIR has a
# compiler also sluice-run and, in DIR/plans, the plans of e2e.sh. Configure BUILD_DIR with
# -DCMAKE_CUDA_ARCHITECTURES=90a-real: one architecture keeps the folder small.
set -eu

if [ $# -lt 2 ] || [ ! -d "$1" ]; then
  echo "usage: $0 BUILD_DIR DIR [BINARY...], with BUILD_DIR a configured build" >&2
  exit 2
fi
build=$1 dir=$2
shift 2
mkdir -p "$dir"
tools=()
if [ -x "$build/bin/sluice-compile" ]; then
  tools+=(bin/sluice-run)
  tests=$(cd "$(dirname "$0")/../../tests/e2e" && pwd)
  python3 -B "$tests/budgets.py" --bin "$build/bin" --make "$dir/plans/budgets" >/dev/null
  python3 -B "$tests/backends_agree.py" --bin "$build/bin" --make "$dir/plans/agree" >/dev/null
fi
for binary in bin/cuda_kernels_test bin/cuda_kernels_bench bin/backend_test "${tools[@]}" "$@"; do
  [ -e "$binary" ] || binary="$build/$binary"
  if [ ! -x "$binary" ]; then
    echo "$0: $binary is not there, build it first" >&2
    exit 1
  fi
  strip -o "$dir/$(basename "$binary")" "$binary"
  # Libraries that a GPU machine need not have; the C and C++ ones and cuBLASLt it has.
  ldd "$binary" | awk '$3 ~ /^\// { print $3 }' |
    grep -v -E '/(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libcublas[A-Za-z]*)\.so' |
    while read -r library; do cp -L "$library" "$dir/"; done
done
cp "$(dirname "$0")/run_tests.sh" "$dir/"
du -sh "$dir"
