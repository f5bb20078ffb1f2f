#!/usr/bin/env bash
# Proves the CUDA engines on this machine, cold in eight minutes on 16 cores: builds what it needs against python3's torch,
# runs the engines' tests, compares their answers with the CPU's in FP32, measures them and a bare loop in PyTorch, and
# prints a table. The table also goes to tests/gpu/RESULTS.md and, with all logs, to $OUT where that is set.
#
#   tests/gpu/prove.sh [PREFIX]     PREFIX: OpenCV, nlohmann_json, CLI11 and GoogleTest's sources where no packages are to
#                                   be had (default: .gpu-deps if it is there)
#
# A step that fails ends the steps that need it, not the others. Without a GPU those that need one say so, and the rest
# runs. Ends with 0 if no step failed. TORCH names another LibTorch than python3's, BUILD another build directory;
# WARNINGS_AS_ERRORS=ON is for compilers that were seen.
set -uo pipefail
cd "$(dirname "$0")/../.."
prefix=${1:-$PWD/.gpu-deps}
build=${BUILD:-build-gpu}
work=$build/prove
rm -rf "$work"
mkdir -p "$work"
stagemark=$build/apps/stagemark/stagemark
failed=0

gpu=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -1)

# step NAME NEEDS COMMAND...: NEEDS is a file without which there is nothing to do, `gpu`, both ("gpu FILE"), or `-`.
step() {
  local name=$1 needs=$2 start=$SECONDS outcome need
  shift 2
  for need in $needs; do
    case $need in
      -) ;;
      gpu) [ -n "$gpu" ] || outcome="no GPU" ;;
      *) [ -e "$need" ] || outcome="not run: there is no $(basename "$need")" ;;
    esac
  done
  if [ -z "${outcome:-}" ]; then
    echo "--- $name"
    if "$@" >"$work/${name// /-}.log" 2>&1; then
      outcome=ok
    else
      outcome=FAILED
      failed=1
      tail -20 "$work/${name// /-}.log"
    fi
  fi
  printf '%s\t%s\t%s\n' "$name" "$outcome" "$((SECONDS - start))" >>"$work/steps.tsv"
  echo "$name: $outcome ($((SECONDS - start)) s)"
}

# Also where the script is ended from outside.
finish() {
  local status=$?
  tests/gpu/summary.py "$work" "${gpu:-none}" >"$work/RESULTS.md" || status=1
  cat "$work/RESULTS.md"
  [ -z "$gpu" ] || cp "$work/RESULTS.md" tests/gpu/RESULTS.md
  if [ -n "${OUT:-}" ]; then
    tar -C "$work" -czf "$OUT/logs.tar.gz" --exclude data .
    cp "$work/RESULTS.md" "$OUT/"
    [ ! -f "$work/report.html" ] || cp "$work/report.html" "$OUT/"
  fi
  exit "$status"
}
trap finish EXIT

configure() {
  local torch=${TORCH:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')}
  # Else CMake compiles and runs a program to find out.
  local capability=9.0
  [ -z "$gpu" ] || capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1)
  # A compiler that links its standard library statically would bring a second one beside LibTorch's.
  TORCH_CUDA_ARCH_LIST=$capability LDFLAGS="-Wl,--no-as-needed -l:libstdc++.so.6 -Wl,--as-needed" cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix;$torch" \
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DSTAGEMARK_WITH_LIBTORCH=ON -DSTAGEMARK_WITH_OPENCV=ON -DSTAGEMARK_WITH_FORMAT=ON \
    -DSTAGEMARK_WITH_ONNX=OFF -DSTAGEMARK_WITH_ONNXRUNTIME=OFF -DSTAGEMARK_WARNINGS_AS_ERRORS="${WARNINGS_AS_ERRORS:-OFF}" \
    -Wno-dev
}

tests_of() { "$build/tests/backends/backends_test" --gtest_filter="$1" --gtest_output="xml:$work/$2.xml"; }

approaches=(libtorch-fp32@cpu libtorch-fp32@cuda libtorch-fp32@cuda+channels-last libtorch-bf16@cuda libtorch-fp16@cuda
  torchscript-fp16@cuda libtorch-fp32@cuda+graph libtorch-fp16@cuda+graph libtorch-fp16@cuda+fold+graph)

measure() {
  "$stagemark" run "$work/data" -m "$work/data/model.ckpt" "${approaches[@]/#/-a}" --samples 100 --processes 2 \
    --hang-limit 60s -o "$work/run" --progress off
}

# As where there is no GPU at all.
refuse() {
  local status=0
  "$stagemark" approaches
  "$stagemark" doctor || true
  CUDA_VISIBLE_DEVICES= "$stagemark" run "$work/data" -m "$work/data/model.ckpt" -a libtorch-fp32@cuda -o "$work/refused" \
    2>"$work/refusal" || status=$?
  cat "$work/refusal"
  [ "$status" = 3 ] && [ "$(wc -l <"$work/refusal")" = 1 ]
}

step "configure" - configure
# All errors of one build are worth more than the first: no card is at hand for long.
step "build" "$build/build.ninja" cmake --build "$build" --target stagemark backends_test -- -k 0
step "tests on the CPU" "$build/tests/backends/backends_test" tests_of '-*cuda*:*Cuda*' cpu
step "tests on the GPU" "gpu $build/tests/backends/backends_test" tests_of '*cuda*:*Cuda*' gpu
step "made images and model" "$stagemark" "$stagemark" sample "$work/data"
step "refusal where no GPU is visible" "$work/data/model.ckpt" refuse
step "input of one image" "$work/data/model.ckpt" "$stagemark" preprocess "$work/data/NORMAL/synthetic-00000.png" -o "$work/x.npy"
step "bare loop in PyTorch" "gpu $work/x.npy" tests/gpu/bare_loop.py "$work/data/model.ckpt" "$work/x.npy" "$work/bare.json"
step "measure" "gpu $work/data/model.ckpt" measure
step "report" "$work/run/report.json" "$stagemark" report "$work/run" --html "$work/report.html"
exit "$failed"
