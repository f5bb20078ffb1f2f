#!/usr/bin/env python3
"""What the gate promises, seen on this machine with a real network. Takes a quarter of an hour, or more on a small one.

    python3 tests/performance/gate_on_this_machine.py STAGEMARK IMAGES MODEL.ckpt [RUNS] [SAMPLES]

1. RUNS (20) times the same approach against itself through `run --check`: to reach, of 20, at least 18 PASS and no FAIL.
2. bf16 against fp32 in quiet, then beside two busy loops: the interval under load must hold the quiet ratio, and be known to
   10 % either way.
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
    command = [stagemark, "run", images, "--model", model, "--samples", samples, "--passes", "1", "--force", "--progress", "off",
               "-o", directory, *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode not in outcomes:
        sys.exit(f"run ended with {done.returncode}: {done.stderr}")
    return done.returncode, json.loads((Path(directory) / "report.json").read_text())["comparisons"][0]["speedup"]


with tempfile.TemporaryDirectory() as directory:
    seen = Counter()
    for i in range(runs):
        code, _ = run(directory, "-a", "libtorch-fp32@cpu", "-a", "libtorch-fp32@cpu", "--check", "--seed", str(i))
        seen[outcomes[code]] += 1
        print(f"identical, run {i + 1}: {outcomes[code]}", flush=True)
    print("identical: " + ", ".join(f"{count} {outcome}" for outcome, count in seen.items()))

    pair = ("-a", "libtorch-fp32@cpu", "-a", "libtorch-bf16@cpu")
    _, quiet = run(directory, *pair)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        _, loaded = run(directory, *pair)
    finally:
        for loop in busy:
            loop.kill()
    low, high = loaded["ci95"]
    print(f"bf16 against fp32: {quiet['ratio']:.3f}x {quiet['ci95']} in quiet, {loaded['ratio']:.3f}x {loaded['ci95']} beside "
          f"two busy loops: holds the quiet ratio: {low <= quiet['ratio'] <= high}, half-width "
          f"{100 * (math.sqrt(high / low) - 1):.1f} %; to reach: True, 10 %")
