#!/usr/bin/env bash
# Opens the HTML report of a run in headless Chromium: nothing on the console, nothing asked for, each chart with its
# marks. Skipped where there is no Chromium: browser_test.sh STAGEMARK DIRECTORY
set -euo pipefail
stagemark=$1 directory=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: there is no Chromium"
  exit 77
}
rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"

"$stagemark" sample images --images 60 --no-model
"$stagemark" run images -a first=null-fp32 -a second=null-fp32 -o results --progress off >/dev/null
"$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$directory/profile" --enable-logging=stderr \
  --virtual-time-budget=5000 --dump-dom "file://$directory/results/report.html" >page.html 2>log.txt

if grep 'CONSOLE' log.txt; then
  echo "the page spoke on the console" >&2
  exit 1
fi
for chart in stages distribution time tradeoff roc precision_recall calibration; do
  figure=$(grep -o "<figure data-chart=\"$chart\">.*" page.html | sed 's/<figcaption.*//')
  marks=$(sed -n 's/.*data-marks="\([0-9]*\)".*/\1/p' <<<"$figure")
  echo "$chart: ${marks:-no} marks"
  [ "${marks:-0}" -gt 0 ]
done
