#!/usr/bin/env bash
# Sets stagemark up on Debian 12 or 13: installs what is missing, builds, and then
#
#   cmake/setup.sh demo    makes a small synthetic data set with a model and benchmarks two approaches on it
#   cmake/setup.sh test    runs the tests; further words go to CTest
#   cmake/setup.sh build   stops after building
#
# `cmake/setup.sh install test` (demo, build) only installs what is missing for it.
#
# Each can be run again, and then does only what is left to do.
set -euo pipefail
cd "$(dirname "$0")/.."
stop_when_installed=
[ "${1:-}" != install ] || { stop_when_installed=yes; shift; }
goal=${1:-}
[ $# = 0 ] || shift
case $goal in
  demo | test | build) ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

# OpenBLAS and not the reference BLAS: with the latter ResNet-50 takes nine times as long.
packages=(g++ cmake ninja-build libtorch-dev libopencv-dev libopenblas0-pthread nlohmann-json3-dev libcli11-dev
  libjs-chart.js libonnx-dev libprotobuf-dev protobuf-compiler)
[ "$goal" = test ] && packages+=(libgmock-dev git pkgconf python3-jsonschema python3-numpy)
# Debian 12 has no ONNX Runtime; OnnxRuntime_ROOT may name an unpacked archive from its releases.
onnxruntime=AUTO
[ -z "${OnnxRuntime_ROOT:-}" ] || onnxruntime=ON
grep -q '^VERSION_ID="12"' /etc/os-release || { packages+=(libonnxruntime-dev); onnxruntime=ON; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || { echo "setup.sh: needs Debian's apt-get; install by hand: ${missing[*]}" >&2; exit 1; }
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
[ -z "$stop_when_installed" ] || exit 0

testing=OFF
[ "$goal" = test ] && testing=ON
[ "$goal" = build ] && [ -f build/CMakeCache.txt ] && testing=$(sed -n 's/^STAGEMARK_BUILD_TESTING:BOOL=//p' build/CMakeCache.txt)
[ "$goal" = demo ] && [ -f build/CMakeCache.txt ] && testing=$(sed -n 's/^STAGEMARK_BUILD_TESTING:BOOL=//p' build/CMakeCache.txt)
# Several files at once compile in half the time; who works on one of them sets both to OFF in the preset's build.
cmake --preset release -DSTAGEMARK_BUILD_TESTING="$testing" -DSTAGEMARK_WITH_ONNXRUNTIME="$onnxruntime" \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -Wno-dev >/dev/null
cmake --build --preset release

case $goal in
  demo)
    [ -f sample/model.ckpt ] || build/apps/stagemark/stagemark sample sample --force
    build/apps/stagemark/stagemark run sample --model sample/model.ckpt \
      --approach libtorch-fp32@cpu --approach libtorch-bf16@cpu
    ;;
  test)
    ctest --preset release --parallel "$(nproc)" --output-junit tests.xml "$@"
    ;;
esac
