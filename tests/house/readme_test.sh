#!/usr/bin/env bash
# The code in the README is the code that the consumer tests compile and run: readme_test.sh SOURCE
set -euo pipefail
cd "$1"
# block LANGUAGE: the first block of that language in the README.
block() { awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} inside && /^```/ {exit} inside' README.md; }

diff <(block cpp) tests/consume/own_engine/main.cpp
[ "$(wc -l <tests/consume/own_engine/main.cpp)" -le 40 ]
while read -r line; do grep -qxF "$line" tests/consume/own_engine/CMakeLists.txt || { echo "not tested: $line"; exit 1; }
done < <(block cmake)
# Each command that the README names is there to be run.
for file in $(grep -oE '\b(cmake|tests)/[a-z_/]+\.sh' README.md | sort -u); do [ -x "$file" ] || { echo "no $file"; exit 1; }; done
