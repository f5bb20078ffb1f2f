#!/usr/bin/env bash
# Builds each fuzz target with clang's libFuzzer and runs it for so many seconds, starting from its corpus:
#   tests/fuzz/run.sh SECONDS [TARGET...]
# SOURCE names another tree to take the readers from, WORK another directory to build in.
set -euo pipefail
tests=$(realpath "$(dirname "$0")/..")
source=$(realpath "${SOURCE:-$tests/..}")
work=$(realpath -m "${WORK:-$tests/../build-fuzz}")
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(checkpoint legacy manifest report ranges graph)
mkdir -p "$work"
cd "$source"
for target in "${targets[@]}"; do
  # How much memory an input of 64 KiB may ask for at once, in MB: a report becomes many small things.
  most=16
  case $target in
    checkpoint | legacy) sources=(src/model/{checkpoint,network,pickle,torch_file,zip_archive}.cpp src/core/{error,sha256}.cpp) ;;
    ranges) sources=(src/model/activation_ranges.cpp src/core/error.cpp) ;;
    graph) sources=(src/backends/onnxruntime/graph_file.cpp src/core/error.cpp) ;;
    manifest) sources=(src/suite/manifest.cpp src/core/error.cpp) ;;
    report)
      sources=(src/core/*.cpp src/backend/approach.cpp src/report/*.cpp
        src/judgement/{compare,gate,machine_noise,paired_inferences,preconditions}.cpp src/format/json_{node,reader,text,writer}.cpp)
      ;;
    *) echo "run.sh: no such target: $target" >&2; exit 2 ;;
  esac
  clang++-16 -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -I"$tests" \
    "$tests/fuzz/${target}_fuzz.cpp" "${sources[@]}" -o "$work/${target}_fuzz"
  mkdir -p "$work/$target-corpus"
  (cd "$work" && "./${target}_fuzz" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb="$most" -max_len=65536 \
    -timeout=10 -print_final_stats=1 "$target-corpus" "$tests/fuzz/corpus/$target")
done
