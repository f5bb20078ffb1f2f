#!/usr/bin/env bash
# The manual page is roff that nothing warns of, and holds each command and option of --help. Skipped where there is no
# groff to read it: man_test.sh STAGEMARK
set -euo pipefail
stagemark=$1
command -v groff >/dev/null || {
  echo "skipped: there is no groff"
  exit 77
}
complaints=$("$stagemark" man | groff -man -ww -Tutf8 -P-c 2>&1 >/dev/null)
[ -z "$complaints" ] || {
  echo "$complaints"
  exit 1
}
page=$("$stagemark" man | groff -man -Tutf8 -P-cbou -rLL=400n | sed 's/[−‐]/-/g')
commands=$("$stagemark" --help | awk '/^Subcommands:/ {inside = 1; next} /^$/ {inside = 0} inside && /^  [a-z]/ {print $1}')
for command in $commands; do
  grep -q "stagemark $command" <<<"$page" || { echo "no $command"; exit 1; }
  options=$("$stagemark" "$command" --help | grep -oE '^  (-[a-z],)?--[a-z-]+' | grep -v -- --help | sed 's/.*--/--/' || true)
  for option in $options; do
    grep -qE -- "$option( |$)" <<<"$page" || { echo "no $option of $command"; exit 1; }
  done
done
[ "$(wc -w <<<"$commands")" -ge 11 ]
