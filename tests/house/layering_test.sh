#!/usr/bin/env bash
# Who may include whom, and what the umbrella holds. Prints every line that breaks a rule; fails if there is one.
set -euo pipefail
cd "$1"
broken=0

# rule PATHS FORBIDDEN WHY: no file below PATHS may have an include that matches FORBIDDEN.
rule() {
  local paths=() path
  for path in $1; do [ -e "$path" ] && paths+=("$path"); done
  [ ${#paths[@]} -gt 0 ] || return 0
  if grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "${paths[@]}"; then
    echo "  ^ $3"
    broken=1
  fi
}

third_party='torch/|ATen/|c10/|opencv2/|nlohmann/|CLI/|onnxruntime_|onnx/|google/protobuf|gtest/|gmock/'
rule "include" "$third_party" "no third-party include in a public header"

# sees ROOM "ROOMS": which other rooms of ours a room may include, public headers and private ones.
rooms="core backend machine workers suite serving load report judgement format model images backends session"
sees() {
  local allowed=" $1 $2 " others="" room
  for room in $rooms; do [[ $allowed == *" $room "* ]] || others+="|$room"; done
  rule "include/stagemark/$1 src/$1" "(stagemark/)?(${others#|})/" "$1 sees $2 and nothing else"
}
sees core ""
sees backend "core"
sees machine "core backend"
sees workers "core backend"
sees suite "core backend workers"
sees serving "core backend"
sees load "core backend workers suite serving"
sees report "core backend machine suite serving load"
sees judgement "core backend machine workers suite serving load report"
sees format "core backend machine workers suite serving load report judgement"
sees model "core"
sees images "core backend"
sees backends "core backend model"
sees session "$rooms"
for room in $(ls src include/stagemark | grep -vE ':|\.|^$' | sort -u); do
  [[ " $rooms " == *" $room "* ]] || { echo "nothing says what the room $room may see"; broken=1; }
done
rule "apps" "($(echo "$rooms" | tr ' ' '|'))/" "apps see the public headers alone"

# only PATHS FORBIDDEN WHY: a dependency stays where it is.
only() {
  local allowed=$1 paths
  paths=$(git ls-files 'src/*.[ch]pp' 'apps/*.[ch]pp' | grep -vE "^($allowed)" | tr '\n' ' ')
  rule "$paths" "$2" "$3"
}
only "src/backends/libtorch/" 'torch/|ATen/|c10/' "torch only in its engines"
only "src/images/|src/backends/opencv_dnn/" 'opencv2/' "OpenCV only in images and its engine"
only "src/backends/onnxruntime/" 'onnxruntime_' "ONNX Runtime only in its engines"
only "src/format/" 'nlohmann/' "nlohmann only in format"
only "src/model/onnx_[adegq]" 'onnx/|google/protobuf' "ONNX's library only in the exporter"
only "apps/" 'CLI/' "CLI11 only in apps"
only "none" 'gtest/|gmock/' "GoogleTest only in tests"
only "none" 'stagemark/stagemark\.hpp' "our own code never includes the umbrella"

# The library names its parameters in backticks; the command says which option each is (apps/stagemark/option_names.cpp).
# Options of other programs may be named.
flags=$(git ls-files 'src/*.[ch]pp' 'include/*.hpp' | xargs grep -nE "\"[^\"]*(--[a-z]|'stagemark [a-z])" |
  grep -vE '(cmake|docker:|numactl|update-alternatives|nvidia-smi) --|"--stagemark-' || true)
[ -z "$flags" ] || { printf '%s\n  ^ %s\n' "$flags" "a string of the library names an option or a command of the tool"; broken=1; }

# A name in a listing means one thing.
twice=$(git ls-files '*.hpp' '*.cpp' '*.py' '*.sh' | grep -vE '(^|/)main\.cpp$' | xargs -n1 basename | sort | uniq -d)
[ -z "$twice" ] || { echo "more than one file is called: $twice"; broken=1; }

for header in $(cd include && find stagemark -name '*.hpp' ! -path stagemark/stagemark.hpp); do
  grep -qxF "#include \"$header\"" include/stagemark/stagemark.hpp || { echo "the umbrella lacks $header"; broken=1; }
done
exit $broken
