#!/usr/bin/env python3
"""The table of what prove.sh saw: summary.py WORK "CARD, DRIVER"   (prints Markdown; ends with 1 where a figure is missed)"""
import datetime
import json
import pathlib
import statistics
import sys
import xml.etree.ElementTree

work = pathlib.Path(sys.argv[1])
card = sys.argv[2]
missed = False


def read(name):
    file = work / name
    return json.loads(file.read_text()) if file.exists() else None


def table(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines) + "\n")


def judged(what, value, good):
    global missed
    missed = missed or not good
    return [what, value, "reached" if good else "MISSED"]


def times(result, stage):
    return [t for t in result["per_image"]["stages_ns"].get(stage, []) if t is not None]


def median_ms(result, stage):
    seen = times(result, stage)
    return statistics.median(seen) / 1e6 if seen else None


def text(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


print("# CUDA\n")
print(f"What `tests/gpu/prove.sh` saw on {datetime.date.today()}. Card and driver: {card}.\n")
table(["step", "outcome", "seconds"], [line.split("\t") for line in (work / "steps.tsv").read_text().splitlines()])

rows = []
for where in ("cpu", "gpu"):
    file = work / f"{where}.xml"
    if file.exists():
        suites = xml.etree.ElementTree.parse(file).getroot()
        skipped = sum(case.find("skipped") is not None for case in suites.iter("testcase"))
        rows.append([where, suites.get("tests"), suites.get("failures"), str(skipped)])
if rows:
    table(["tests on", "run", "failed", "skipped"], rows)

report = read("run/report.json")
bare = read("bare.json")
if report:
    results = {result["approach"]: result for result in report["results"]}
    base = results["libtorch-fp32@cpu"]
    reference = dict(zip(base["per_image"]["path"], zip(base["per_image"]["logit"], base["per_image"]["predicted"])))
    rows = []
    for name, result in results.items():
        images = result["per_image"]
        pairs = [(logit, predicted, *reference[path])
                 for path, logit, predicted in zip(images["path"], images["logit"], images["predicted"])
                 if logit is not None and path in reference]
        if not pairs:
            rows.append([name, *["-"] * 7, str(result.get("error", "nothing measured"))])
            missed = True
            continue
        difference = max(abs(logit - exact) for logit, _, exact, _ in pairs)
        flips = sum(predicted != right for _, predicted, _, right in pairs)
        parts = ("preprocessing", "upload", "feature_extraction", "classification", "download")
        waits = median_ms(result, "total_with_waits") or median_ms(result, "total")
        stages = sum(median_ms(result, part) or 0 for part in parts)
        if median_ms(result, "feature_extraction") is None:
            stages += median_ms(result, "inference") or 0
        peak = result["memory"]["device_peak_bytes"]
        rows.append([name, text(median_ms(result, "total")), text(median_ms(result, "inference")), text(waits), text(stages),
                     f"{difference:.1e}", f"{flips} of {len(pairs)}", str(result["nondeterministic_predictions"]),
                     "-" if peak is None else f"{peak / 1e6:.0f}"])
        # FP32 sums in another order; of the others a decision may flip that stood on the edge.
        if "fp32" in name and (difference > 1e-3 or flips):
            missed = True
    print("Medians in milliseconds, batch 1; logits and decisions against FP32 on the CPU; `waits` is a call that waits after "
          "each stage, and `stages` the sum of its parts.\n")
    table(["approach", "total", "inference", "waits", "stages", "largest difference of a logit", "flips",
           "answers that changed", "device MB"], rows)

    eager, graph = results.get("libtorch-fp32@cuda:0"), results.get("libtorch-fp16@cuda:0+fold+graph")
    if eager and graph and times(eager, "total") and times(graph, "total"):
        ratio = median_ms(eager, "total") / median_ms(graph, "total")
        table(["figure", "value", "outcome"], [
            judged("FP16, folded, with a CUDA graph, against eager FP32: at least 4 times as fast", f"{ratio:.2f}", ratio >= 4),
            judged("its `total`: at most 1 ms", f"{median_ms(graph, 'total'):.3f} ms", median_ms(graph, "total") <= 1),
        ])
    if bare:
        rows = []
        for way, seen in bare["ways"].items():
            precision, _, option = way.partition("+")
            result = results.get(f"libtorch-{precision}@cuda:0" + ("+graph" if option else ""))
            if result and times(result, "total"):
                own = median_ms(result, "total") - (median_ms(result, "preprocessing") or 0)
                rows.append([way, text(seen["median_ms"]), text(own), text(own / seen["median_ms"], 2)])
        print(f"A bare loop in PyTorch {bare['torch']}, from the tensor on the host to the logit on the host, against stagemark's "
              "`total` less preprocessing:\n")
        table(["", "PyTorch ms", "stagemark ms", "ratio"], rows)
sys.exit(1 if missed else 0)
