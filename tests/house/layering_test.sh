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

third_party='torch/|ATen/|c10/|opencv2/|nlohmann/|CLI/|onnxruntime|onnx/|google/protobuf|gtest/|gmock/'
rule "include" "$third_party" "no third-party include in a public header"
rule "include/stagemark/core src/core" 'stagemark/(backend|suite|report|model|images|backends|baseline)' "core sees only itself"
rule "include/stagemark/backend src/backend" 'stagemark/(suite|report|model|images|backends|baseline)' "backend sees core"
rule "include/stagemark/suite src/suite" 'stagemark/(report|model|images|backends|baseline)' "suite sees core and backend"
rule "include/stagemark/report src/report" 'stagemark/(model|images|backends|baseline)' "report sees core, backend and suite"
rule "include/stagemark/model src/model" 'stagemark/(backend|suite|report|images|backends|baseline)/' "model sees core"
rule "include/stagemark/images src/images include/stagemark/backends src/backends" 'stagemark/(suite|report|baseline)' \
  "engines and images see core, backend and model"
rule "src/core src/backend src/suite src/report src/model src/images apps" 'torch/|ATen/|c10/' "torch only in its engines"
rule "src/core src/backend src/suite src/report src/model src/backends/libtorch apps" 'opencv2/' \
  "OpenCV only in images and its engine"
rule "src/core src/backend src/suite src/report src/model src/images src/backends/libtorch src/backends/opencv_dnn apps" \
  'onnxruntime_' "ONNX Runtime only in its engines"
rule "src/core src/backend src/suite src/model src/images src/backends apps" 'nlohmann/' "nlohmann only in report"
rule "src/core src/backend src/suite src/report src/images src/backends apps $(ls src/model/*.[ch]pp | grep -v '/onnx_[adegq]' | tr '\n' ' ')" \
  'onnx/|google/protobuf' "ONNX's library only in the exporter"
rule "src" 'CLI/' "CLI11 only in apps"
rule "src apps include" 'gtest/|gmock/' "GoogleTest only in tests"
rule "src apps" 'stagemark/stagemark\.hpp' "our own code never includes the umbrella"

for header in $(cd include && find stagemark -name '*.hpp' ! -path stagemark/stagemark.hpp); do
  grep -qxF "#include \"$header\"" include/stagemark/stagemark.hpp || { echo "the umbrella lacks $header"; broken=1; }
done
exit $broken
