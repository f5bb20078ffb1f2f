#!/usr/bin/env bash
# Builds each fuzz target with clang's libFuzzer and runs it for so many seconds, starting from its corpus:
#   tests/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(checkpoint)
work=build-fuzz
mkdir -p "$work"
for target in "${targets[@]}"; do
  case $target in
    checkpoint) sources=(src/model/*.cpp src/core/error.cpp src/core/sha256.cpp) ;;
    *) echo "run.sh: no such target: $target" >&2; exit 2 ;;
  esac
  clang++-16 -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -Itests \
    "tests/fuzz/${target}_fuzz.cpp" "${sources[@]}" -o "$work/${target}_fuzz"
  mkdir -p "$work/$target-corpus"
  seeds=()
  for folder in "tests/fuzz/corpus/$target"; do [ -d "$folder" ] && seeds+=("$folder"); done
  # A small input must not ask for much memory.
  "$work/${target}_fuzz" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=512 -max_len=65536 \
    -print_final_stats=1 "$work/$target-corpus" "${seeds[@]}"
done
