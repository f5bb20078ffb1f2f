#!/usr/bin/env bash
# Builds and runs one consumer as a stranger's project: consume_test.sh NAME SOURCE BINARY WORK
set -euo pipefail
name=$1 source=$2 binary=$3 work=$4
rm -rf "$work" && mkdir -p "$work"
options=(-DCMAKE_PREFIX_PATH="$(dirname "$work")/prefix")
case $name in
  core | libtorch | own_engine) options+=(-DCMAKE_BUILD_TYPE=Release) ;;
  add_subdirectory) options+=(-DSTAGEMARK_SOURCE="$source") ;;
  fetch_content)
    git -C "$source" rev-parse -q HEAD >/dev/null 2>&1 || { echo "no git checkout: skipped"; exit 77; }
    options+=(-DSTAGEMARK_SOURCE="$source" -DSTAGEMARK_COMMIT="$(git -C "$source" rev-parse HEAD)")
    ;;
esac
# The way to LibTorch and OpenCV is the parent build's, where it was told one.
for cached in Torch_DIR OpenCV_DIR; do
  [ "$name" = core ] && break
  value=$(sed -n "s/^$cached:[A-Z]*=//p" "$binary/CMakeCache.txt")
  [ -n "$value" ] && [ "${value%NOTFOUND}" = "$value" ] && options+=("-D$cached=$value")
done
cmake -S "$source/tests/consume/$name" -B "$work/build" -G Ninja -Wno-dev "${options[@]}"
cmake --build "$work/build"

[ "$name" = own_engine ] || exec "$work/build/consume"

# Someone else's engine gets the whole report: with labels, without, and where an image cannot be read.
stagemark=$binary/apps/stagemark/stagemark
"$stagemark" sample "$work/labelled" --images 12 --no-model
mkdir "$work/flat"
cp "$work"/labelled/NORMAL/* "$work/flat"
"$work/build/consume" "$work/labelled" "$work/labelled.json" | tee "$work/labelled.txt"
grep -q '^accuracy 0\.' "$work/labelled.txt"
"$work/build/consume" "$work/flat" "$work/flat.json" | tee "$work/flat.txt"
! grep -q '^accuracy' "$work/flat.txt"
echo "not an image" >"$work/labelled/NORMAL/000-broken.png"
"$work/build/consume" "$work/labelled" "$work/broken.json" | grep -q ': 12 images'
grep -q '000-broken.png' "$work/broken.json"
