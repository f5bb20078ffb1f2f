#!/usr/bin/env python3
"""Times image file to network input, stagemark against Pillow and torchvision, one thread each.

    python3 tests/performance/decode_to_tensor.py build/tests/performance/decode_to_tensor DIRECTORY [ROUNDS]

Rounds of the two alternate, so that what the machine does beside them meets both; the ratio is taken within a round.
Needs Pillow, torch, torchvision and NumPy.
"""
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch
from PIL import Image
from torchvision import transforms

program, directory = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
files = sorted(str(file) for file in Path(directory).rglob("*") if file.suffix.lower() in {".jpeg", ".jpg", ".png"})
torch.set_num_threads(1)
steps = transforms.Compose([
    transforms.Resize((224, 224)),
    transforms.ToTensor(),
    transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
])
ours = subprocess.Popen([program, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stagemark(tensors=""):
    ours.stdin.write(tensors + "\n")
    ours.stdin.flush()
    return int(ours.stdout.readline()) / 1e6


def torchvision():
    start = time.perf_counter()
    for file in files:
        steps(Image.open(file).convert("RGB"))
    return (time.perf_counter() - start) * 1e3


# This is each one's warm-up, too.
with tempfile.NamedTemporaryFile() as file:
    stagemark(file.name)
    tensors = numpy.fromfile(file.name, dtype=numpy.float32).reshape(len(files), 3, 224, 224)
expected = numpy.stack([steps(Image.open(file).convert("RGB")).numpy() for file in files])
difference = abs(tensors - expected).max()

times = [(stagemark(), torchvision()) for _ in range(rounds)]
ratios = sorted(theirs / mine for mine, theirs in times)
for name, column in zip(("stagemark", "Pillow + torchvision"), zip(*times)):
    print(f"{name:20}  {statistics.median(column) / len(files):7.3f} ms an image, best round {min(column) / len(files):.3f}")
print(f"ratio                 {statistics.median(ratios):7.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f} over {rounds} rounds "
      f"of {len(files)} images")
print(f"largest difference    {difference:7g}")
sys.exit(0 if difference == 0 else "the tensors differ")
