#!/usr/bin/env bash
# Installs the Debian packages that Sluice is built and tested with. Does nothing,
# and asks for no network, when all of them are there.
set -euo pipefail

packages=(
  # the build
  build-essential ca-certificates ccache cmake git ninja-build python3
  # the compiler half
  libmlir-22-dev llvm-22-dev llvm-22-tools mlir-22-tools
  # the runtime half
  flatbuffers-compiler libcli11-dev libflatbuffers-dev libfmt-dev libhwy-dev
  libpcre2-dev libspdlog-dev liburing-dev libutf8proc-dev libxxhash-dev nlohmann-json3-dev
  # tests, fuzzing and style
  clang-22 clang-format-22 clang-tidy-22 libclang-rt-22-dev libgmock-dev libgtest-dev
  lld-22
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [ "${status:0:2}" = ii ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "error: not root and no sudo: install these yourself: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The log is shown only when something fails.
if ! { "${as_root[@]}" apt-get update &&
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "error: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
