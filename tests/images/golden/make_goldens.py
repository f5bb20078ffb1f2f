#!/usr/bin/env python3
"""Writes small images and what torchvision makes of them.

    python3 tests/images/golden/make_goldens.py

They are committed, so that the tests need no Python: NAME.png, and NAME.WxH.npy or NAME.WxH.N.npy, which holds
torchvision's Resize((H, W)) or Resize(N) and CenterCrop((H, W)), as uint8 H x W x 3.
"""
from pathlib import Path

import numpy
from PIL import Image
from torchvision import transforms

here = Path(__file__).resolve().parent
random = numpy.random.default_rng(20261123)


def write(name, pixels, cases):
    image = Image.fromarray(pixels)
    image.save(here / f"{name}.png")
    for width, height, shorter in cases:
        bilinear = transforms.InterpolationMode.BILINEAR
        if shorter is None:
            steps = [transforms.Resize((height, width), bilinear)]
        else:
            steps = [transforms.Resize(shorter, bilinear), transforms.CenterCrop((height, width))]
        result = numpy.asarray(transforms.Compose(steps)(image.convert("RGB")))
        assert result.shape == (height, width, 3)
        numpy.save(here / (f"{name}.{width}x{height}" + (f".{shorter}" if shorter else "") + ".npy"), result)


cases = [(24, 16, None), (24, 16, 32), (24, 16, 24), (21, 20, 33), (16, 16, 37), (16, 16, 80)]
write("wide_colour", random.integers(0, 256, (37, 61, 3), dtype=numpy.uint8), cases)
write("tall_grey", random.integers(0, 256, (90, 40), dtype=numpy.uint8), cases)
write("square_grey", random.integers(0, 256, (33, 33), dtype=numpy.uint8), cases)
