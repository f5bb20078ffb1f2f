#!/usr/bin/env bash
# Opens HTML reports in headless Chromium: nothing on the console, nothing asked for, each chart with its marks. One of a
# run of three approaches over files with hostile names, of which decisions flipped, and one of a run
# with a single class. Skipped where there is no Chromium: browser_test.sh STAGEMARK DIRECTORY
set -euo pipefail
stagemark=$1 directory=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: there is no Chromium"
  exit 77
}
rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"

# page REPORT.html: what the browser made of it, in page.html. The page's own policy refuses every request, which the
# console then tells.
page() {
  "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$directory/profile" --enable-logging=stderr \
    --virtual-time-budget=5000 --dump-dom "file://$directory/$1" >page.html 2>log.txt
  if grep 'CONSOLE' log.txt; then
    echo "the page spoke on the console" >&2
    exit 1
  fi
}
# marks CHART: how many it has; nothing if there is no such chart.
marks() {
  tr '\n' ' ' <page.html | grep -o "<figure data-chart=\"$1\">.*" | sed 's/<figcaption.*//' |
    sed -n 's/.*data-marks="\([0-9]*\)".*/\1/p'
}

"$stagemark" sample images --images 60 --no-model
hostile=$'<script>console.log(1)<\n"\'&>.png'
mv "$(find images/NORMAL -name '*.png' | sort | head -1)" "images/NORMAL/$hostile"
"$stagemark" run images -a first=null-fp32 -a second=null-fp32 -a third=null-fp32 --processes 2 -o results --progress off >/dev/null
# As if the second had called one class the other.
if command -v python3 >/dev/null; then
  python3 - <<'PYTHON'
import json
with open("results/report.json") as file: report = json.load(file)
second, flips = report["results"][1], report["comparisons"][0]["label_flips"]
for row, predicted in enumerate(second["per_image"]["predicted"]):
    second["per_image"]["predicted"][row] = 1 - predicted
flips["files"] = flips["harmful_files"] = sorted(set(report["results"][0]["per_image"]["path"]))
flips["harmful"] = len(flips["files"])
with open("results/report.json", "w") as file: json.dump(report, file)
PYTHON
  "$stagemark" report results --html results/report.html
  grep -q '&lt;script&gt;console.log(1)&lt;' results/report.html
  [ "$(grep -o '<img ' results/report.html | wc -l)" = 48 ]
fi
page results/report.html
sed 's|</main>|<img src="http://127.0.0.1:9/x.png"></main>|' results/report.html >asking.html
if (page asking.html) >/dev/null 2>&1; then
  echo "a page that asks for something would pass unseen" >&2
  exit 1
fi
page results/report.html
# Of three approaches: what each of them has at least.
while read -r chart least; do
  found=$(marks "$chart")
  echo "$chart: ${found:-no} marks"
  [ "${found:-0}" -ge "$least" ]
done <<'EOF'
stages 12
distribution 12
time 90
tradeoff 3
roc 6
precision_recall 3
reliability 3
EOF

# The same under load, as if it had been: capacities with both ends, with one and with none, and a queue that grew.
if command -v python3 >/dev/null; then
  mkdir -p load
  python3 - <<'PYTHON'
import json
with open("results/report.json") as file: report = json.load(file)
def latency(p50): return {"count": 600, "mean": 1.2 * p50, "p50": p50, "p90": 2 * p50, "p95": 3 * p50, "p99": 4 * p50, "max": 5 * p50}
def point(rate, verdict): return {
    "offered_rate": rate, "achieved_rate": rate, "queries": 600, "completed": 600, "refused": 0, "expired": 0, "failed": 0, "generations": 5,
    "latency": latency(rate), "queue_wait": latency(0.2 * rate), "batch_formation": latency(0.1), "service": latency(rate),
    "batch_sizes": {"1": 300, "2": 300}, "utilisation": 0.5, "generator_lateness": {"p99": 0.1, "max": 1}, "verdict": verdict, "reasons": []}
def result(approach, rate, upper): return {
    "approach": approach, "accuracy": 1, "points": [point(10, "within"), point(20, "beyond"), point(30, "unstable")],
    "capacity": {"rate": rate, "upper": upper, "by_generation": [], "reason": ""}}
results = report["results"]
for each in results:
    each["stages"] = each["per_image"]["stages_ns"] = {}
    each["rounds"] = []
report["load"] = {
    "scenario": "server", "arrivals": "poisson", "service_level": {"quantile": 0.95, "bound_ms": 40},
    "settings": {"instances": 1, "threads": 1, "max_batch": 2, "max_batch_delay_ms": 1}, "samples_per_query": 1, "warmup_ms": 0,
    "duration_ms": 60000, "generations": 5, "seed": 0, "stopped_because": "", "comparisons": [],
    "results": [result(each["approach"], *ends) for each, ends in zip(results, [(10, 20), (20, None), (None, None)])]}
with open("load/report.json", "w") as file: json.dump(report, file)
PYTHON
  "$stagemark" report load --html load/report.html
  page load/report.html
  # Of each approach four points, two lines and an area for the first, a line for the second, and the service level.
  for chart in load_latency:22 load_time:18 load_batches:12 roc:6; do
    found=$(marks "${chart%:*}")
    echo "${chart%:*}: ${found:-no} marks"
    [ "${found:-0}" -ge "${chart#*:}" ]
  done
fi

# On paper.
"$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$directory/profile" --print-to-pdf=report.pdf \
  "file://$directory/results/report.html" >/dev/null 2>&1
[ "$(head -c 4 report.pdf)" = %PDF ]

# One class only: no ROC can be drawn, and the page says so.
mkdir -p one/NORMAL
cp "images/NORMAL/$hostile" one/NORMAL/only.png
"$stagemark" run one -a null-fp32 --processes 1 -o alone --progress off >/dev/null
page alone/report.html
[ -z "$(marks roc)" ] && grep -q 'Nothing to draw' page.html
