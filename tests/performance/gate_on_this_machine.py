#!/usr/bin/env python3
"""What the gate promises, seen on this machine with a real network. Takes a quarter of an hour, or more on a small one.

    python3 tests/performance/gate_on_this_machine.py STAGEMARK IMAGES MODEL.ckpt [RUNS] [SAMPLES]

1. RUNS (20) times the same approach against itself through `run --check` on SAMPLES (150) images: to reach, of 20, at
   least 18 PASS and no FAIL.
2. torchscript-fp32 and libtorch-bf16 against libtorch-fp32 on all images in quiet, then beside two busy loops: is the quiet
   ratio within the interval under load, and is that known to 10 % either way? To reach for the two that take about as long.
   A scheduler that shares the processors favours whoever needs them briefly: bf16 gains by load what no benchmark can know.
"""
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

stagemark, images, model = sys.argv[1:4]
runs = int(sys.argv[4]) if len(sys.argv) > 4 else 20
samples = sys.argv[5] if len(sys.argv) > 5 else "150"
outcomes = {0: "PASS", 1: "FAIL", 5: "INCONCLUSIVE"}


def run(directory, *options):
    command = [stagemark, "run", images, "--model", model, "--passes", "1", "--force", "--progress", "off", "-o", directory,
               *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode not in outcomes:
        sys.exit(f"run ended with {done.returncode}: {done.stderr}")
    return done.returncode, json.loads((Path(directory) / "report.json").read_text())["comparisons"]


with tempfile.TemporaryDirectory() as directory:
    seen = Counter()
    for i in range(runs):
        code, _ = run(directory, "-a", "libtorch-fp32@cpu", "-a", "libtorch-fp32@cpu", "--check", "--seed", str(i),
                      "--samples", samples)
        seen[outcomes[code]] += 1
        print(f"identical, run {i + 1}: {outcomes[code]}", flush=True)
    print("identical: " + ", ".join(f"{count} {outcome}" for outcome, count in seen.items()))

    approaches = ("-a", "libtorch-fp32@cpu", "-a", "torchscript-fp32@cpu", "-a", "libtorch-bf16@cpu")
    _, in_quiet = run(directory, *approaches)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        _, under_load = run(directory, *approaches)
    finally:
        for loop in busy:
            loop.kill()
    for quiet, loaded in zip(in_quiet, under_load):
        ratio, (low, high) = quiet["speedup"]["ratio"], loaded["speedup"]["ci95"]
        print(f"{quiet['candidate']}: {ratio:.3f}x {quiet['speedup']['ci95']} in quiet, {loaded['speedup']['ratio']:.3f}x "
              f"[{low:.3f}, {high:.3f}] beside two busy loops: holds the quiet ratio: {low <= ratio <= high}, half-width "
              f"{100 * (math.sqrt(high / low) - 1):.1f} %")
