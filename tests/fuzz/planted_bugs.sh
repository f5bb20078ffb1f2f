#!/usr/bin/env bash
# Would the fuzzers find a bug? Plants one in each reader and expects its bounded run to end in a crash:
#   tests/fuzz/planted_bugs.sh SECONDS
# With 0 seconds it only looks whether what is to be taken out still stands where it says.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: planted_bugs.sh SECONDS}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
if [ "$seconds" != 0 ]; then
  mkdir "$work/tree"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$work/tree"
fi

# plant TARGET FILE LINE-IN-IT WHAT-STANDS-THERE-INSTEAD
plant() {
  local target=$1 file=$2 good=$3 bad=$4 started=$SECONDS
  grep -qF "$good" "$file" || { echo "planted_bugs.sh: $file has no '$good' any more" >&2; exit 1; }
  [ "$seconds" != 0 ] || return 0
  GOOD=$good BAD=$bad perl -0pi -e 's/\Q$ENV{GOOD}\E/$ENV{BAD}/' "$work/tree/$file"
  if "$work/tree/tests/fuzz/run.sh" "$seconds" "$target" >"$work/log" 2>&1; then
    echo "NOT FOUND in $seconds s: $target without '$good'"
    failed=1
  elif grep -qE 'SUMMARY: (AddressSanitizer|UndefinedBehaviorSanitizer|libFuzzer)' "$work/log"; then
    echo "found after $((SECONDS - started)) s, building included: $target without '$good': $(grep -m1 -oE 'SUMMARY: .{0,60}' "$work/log")"
  else
    tail -20 "$work/log"
    exit 1
  fi
  cp "$file" "$work/tree/$file"
}

plant checkpoint src/model/zip_archive.cpp 'if (offset > bytes_.size() || size > bytes_.size() - offset) refuse_zip("it ends too early");' ''
plant checkpoint src/model/pickle.cpp 'if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))' 'if (false)'
plant legacy src/model/torch_file.cpp 'if (elements > rest.size() / element->second)' 'if (false)'
plant manifest src/suite/manifest.cpp 'text_.remove_prefix(quote + 1);' 'text_.remove_prefix(quote + 2);'
plant report src/report/column_check.cpp 'if (length == expected) continue;' 'continue;'
plant ranges src/model/activation_ranges.cpp 'text.remove_prefix(end + 1);' 'text.remove_prefix(end + 2);'
plant graph src/model/onnx_parts.cpp 'shift < 64; shift += 7' 'shift < 640; shift += 7'
plant messages src/workers/wire.hpp 'if (size > bytes_.size()) refuse_message();' ''
plant messages src/suite/turn_messages.cpp 'std::ranges::all_of(update.failures, is_image) &&' ''
plant trace src/load/arrivals.cpp 'std::min(text_.size(), line.size() + 1)' 'line.size() + 1'
exit "$failed"
