#!/usr/bin/env bash
# Builds and runs one consumer as a stranger's project: consume_test.sh NAME SOURCE BINARY WORK
set -euo pipefail
name=$1 source=$2 binary=$3 work=$4
rm -rf "$work" && mkdir -p "$work"
options=(-DCMAKE_PREFIX_PATH="$(dirname "$work")/prefix")
case $name in
  add_subdirectory) options+=(-DSTAGEMARK_SOURCE="$source" -DCMAKE_UNITY_BUILD=ON) ;;
  fetch_content)
    git -C "$source" rev-parse -q HEAD >/dev/null 2>&1 || { echo "no git checkout: skipped"; exit 77; }
    options+=(-DSTAGEMARK_SOURCE="$source" -DSTAGEMARK_COMMIT="$(git -C "$source" rev-parse HEAD)"
      -DCMAKE_UNITY_BUILD=ON)
    ;;
  *) options+=(-DCMAKE_BUILD_TYPE=Release) ;;
esac
# The way to what is linked is the parent build's, where it was told one.
for cached in Torch_DIR OpenCV_DIR OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR ONNX_DIR Protobuf_DIR Protobuf_INCLUDE_DIR \
  Protobuf_LIBRARY Protobuf_LIBRARY_RELEASE Protobuf_PROTOC_EXECUTABLE; do
  [ "$name" = core ] && break
  value=$(sed -n "s/^$cached:[A-Z]*=//p" "$binary/CMakeCache.txt")
  [ -n "$value" ] && [ "${value%NOTFOUND}" = "$value" ] && options+=("-D$cached=$value")
done
if [ "$name" = pkg_config ]; then
  command -v pkg-config >/dev/null || { echo "no pkg-config: skipped"; exit 77; }
  PKG_CONFIG_PATH=$(dirname "$(find "$(dirname "$work")/prefix" -name stagemark.pc)")
  export PKG_CONFIG_PATH
  # Unquoted: several words.
  "${CXX:-c++}" -std=c++20 "$source/tests/consume/pkg_config/main.cpp" $(pkg-config --cflags --libs stagemark) -o "$work/consume"
  "$work/consume"
  exit 0
fi
cmake -S "$source/tests/consume/$name" -B "$work/build" -G Ninja -Wno-dev "${options[@]}"
cmake --build "$work/build" --target consume

stagemark=$binary/apps/stagemark/stagemark
case $name in
  own_engine)
    # Someone else's engine gets the whole report: with labels, without, and where it throws or a file is broken.
    "$stagemark" sample "$work/labelled" --images 12 --no-model
    "$work/build/consume" "$work/labelled" "$work/labelled.json" | tee "$work/labelled.txt"
    grep -q ': 12 images' "$work/labelled.txt"
    grep -q '^accuracy 0\.' "$work/labelled.txt"

    mkdir "$work/flat"
    cp "$work"/labelled/NORMAL/* "$work/flat"
    "$work/build/consume" "$work/flat" "$work/flat.json" | tee "$work/flat.txt"
    grep -q ': 6 images' "$work/flat.txt"
    ! grep -q '^accuracy' "$work/flat.txt"

    # One black pixel: too dark for an engine that throws on it.
    printf 'P5 1 1 255\n\0' >"$work/labelled/NORMAL/dark.pgm"
    echo "not an image" >"$work/labelled/NORMAL/broken.png"
    "$work/build/consume" "$work/labelled" "$work/failing.json" | tee "$work/failing.txt"
    grep -q ': 12 images' "$work/failing.txt"
    python3 - "$work/failing.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
(skipped,), (failure,) = report["dataset"]["skipped"], report["results"][0]["failures"]
assert skipped["path"] == "NORMAL/broken.png", skipped
assert failure["path"] == "NORMAL/dark.pgm" and "too dark" in failure["reason"], failure
END
    ;;
  everything)
    "$stagemark" sample "$work/set" --images 8 --no-model
    "$binary/tests/house/made_network" "$work/net.ckpt"
    "$work/build/consume" "$work/set" "$work/net.ckpt" "$work/report.json" | tee "$work/out.txt"
    grep -q '^libtorch-fp32@.*: 8 images' "$work/out.txt"
    grep -q '"schema_version"' "$work/report.json"
    ;;
  workers_and_gate)
    # Two approaches, each in processes of its own, and a gate on them.
    "$stagemark" sample "$work/set" --images 60 --no-model
    "$work/build/consume" "$work/set" none one=null-fp32 two=null-fp32 | tee "$work/out.txt"
    grep -q 'two .*accuracy' "$work/out.txt"
    ;;
  onnx_export)
    "$binary/tests/house/made_network" "$work/net.ckpt"
    "$work/build/consume" "$work/net.ckpt" "$work/net.onnx" | tee "$work/out.txt"
    grep -q '^input to logits, 10753 parameters' "$work/out.txt"
    ;;
  *) "$work/build/consume" ;;
esac
