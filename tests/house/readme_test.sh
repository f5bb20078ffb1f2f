#!/usr/bin/env bash
# What the README says is so: its C++ is what the consumer tests compile and run, its files are there, each option that it
# names exists, and with a program to run, each `stagemark` command of its shell blocks works in the order it stands:
# readme_test.sh SOURCE [STAGEMARK MADE_NETWORK DIRECTORY]
set -euo pipefail
cd "$1"
readme=$PWD/README.md
# block LANGUAGE: the first block of that language in the README.
block() { awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} inside && /^```/ {exit} inside' "$readme"; }

diff <(block cpp) tests/consume/own_engine/main.cpp
[ "$(wc -l <tests/consume/own_engine/main.cpp)" -le 40 ]
# The second block of C++ is another consumer's main.
diff <(awk '/^```cpp$/ {n++; next} /^```/ {if (n == 2) exit} n == 2' "$readme") \
  <(sed -n '/^int main/,$p' tests/consume/workers_and_gate/main.cpp)
while read -r line; do grep -qxF "$line" tests/consume/own_engine/CMakeLists.txt || { echo "not tested: $line"; exit 1; }; done \
  < <(block cmake)
for file in $(grep -oE '\b(cmake|tests)/[a-z_/]+\.sh' README.md | sort -u); do [ -x "$file" ] || { echo "no $file"; exit 1; }; done
for picture in $(grep -oE '\]\(\.readme/[^)]*\)' README.md | tr -d '])('); do
  [ "$(wc -c <"$picture")" -lt 200000 ] || { echo "$picture is large or absent"; exit 1; }
done
# Longer ones are not read.
[ "$(wc -l <README.md)" -le 450 ] || { echo "the README is too long"; exit 1; }
[ $# -gt 1 ] || exit 0

stagemark=$2 made_network=$3 directory=$4
rm -rf "$directory"
mkdir -p "$directory/path"
cd "$directory"
ln -s "$stagemark" path/stagemark
export PATH=$PWD/path:$PATH
# Each option in code is an option of some command, or of the set-up's cmake.
stagemark man | sed 's/\\-/-/g' >man.txt
for option in $(grep -v '^cmake' "$readme" | grep -oE '(^|[ `])--[a-z][a-z-]+' | tr -d '` ' | sort -u); do
  case $option in --install | --preset | --prefix | --help | --cpunodebind | --membind | --cpuset-cpus) continue ;; esac  # not ours
  grep -q -- "$option\b" man.txt || { echo "there is no $option"; exit 1; }
done

stagemark sample images --images 30 --no-model
"$made_network" net.ckpt
mkdir -p stored
# Every `stagemark` command of a sh block, its continuation lines with it.
awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside' "$readme" | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' |
  grep '^stagemark ' | sed "s|/opt/old/bin/stagemark|$stagemark|; s/  *#.*//; /^stagemark load/s/$/ --duration 2s --warmup 100ms/" |
  sed 's/--max-duration 1h/--max-duration 10s/; /^stagemark run/s/$/ --processes 3/' >commands.txt
[ "$(wc -l <commands.txt)" -ge 10 ]
while read -r line; do
  echo "\$ $line"
  status=0
  bash -c "$line" </dev/null >out.txt 2>error.txt || status=$?
  # A gate on a busy machine may pass, fail or not be able to tell.
  case "$line:$status" in
    *:0 | *check*:[15]) ;;
    *)
      cat error.txt
      exit 1
      ;;
  esac
  # What the next ones read.
  cp results/bf16/report.json results/ 2>/dev/null || true
  cp results/bf16/report.json stored/ 2>/dev/null || true
done <commands.txt
