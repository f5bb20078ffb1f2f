#!/usr/bin/env bash
# Builds each fuzz target with clang's libFuzzer and runs it for so many seconds, starting from its corpus, as many at
# once as there are processors:
#   tests/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
export seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(checkpoint legacy manifest report ranges graph messages trace)
[ -f build-sanitize/CMakeCache.txt ] || cmake --preset sanitize -Wno-dev
cmake --build --preset sanitize --target "${targets[@]/%/_fuzz}"

run() {
  cd build-sanitize/tests/fuzz
  mkdir -p "$1-corpus"
  local seeds=../../../tests/fuzz/corpus/$1
  if [ "$1" = messages ]; then
    seeds=messages-seeds
    ./message_seeds "$seeds"
  fi
  # An input of 64 KiB may ask for 16 MB at once: a report becomes many small things.
  "./$1_fuzz" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=16 -max_len=65536 -timeout=10 \
    -print_final_stats=1 "$1-corpus" "$seeds" 2>&1 | sed "s/^/$1: /"
}
export -f run
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'run {}'
