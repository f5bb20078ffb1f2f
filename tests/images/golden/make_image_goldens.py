#!/usr/bin/env python3
"""Writes small images and what Pillow and torchvision make of them.

    python3 tests/images/golden/make_image_goldens.py

They are committed, so that the tests need no Python: NAME.png, and NAME.WxH.npy or NAME.WxH.N.npy, which holds
torchvision's Resize((H, W)) or Resize(N) and CenterCrop((H, W)), as uint8 H x W x 3. In formats/ there is one file of
each kind, and beside it FILE.npy, which holds Pillow's convert("RGB"), as uint8 H x W x 3. The committed ones are those
of Pillow 9.4, which clips grey with 16 bits to 255.
"""
import struct
import zlib
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


formats = here / "formats"
formats.mkdir(exist_ok=True)


def keep(name, image=None, **how):
    if image is not None:
        image.save(formats / name, **how)
    pixels = numpy.asarray(Image.open(formats / name).convert("RGB"))
    with open(formats / f"{name}.npy", "wb") as file:
        numpy.save(file, pixels)


def deep_png(name, pixels):
    """A PNG with 16 bits per sample and without filters: Pillow writes them in grey only."""
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    (formats / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
                                 chunk(b"IEND", b""))
    keep(name)


height, width = 9, 13
noise = random.integers(0, 256, (height, width, 4), dtype=numpy.uint8)
grey, colour = Image.fromarray(noise[:, :, 0]), Image.fromarray(noise[:, :, :3])
transparent = Image.fromarray(noise)
palette = colour.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
bitmap = grey.convert("1")
deep = random.integers(0, 65536, (height, width, 4), dtype=numpy.uint16)
deep[::2, :, 0] %= 256  # where clipping to 255 keeps something
deep_grey = Image.fromarray(deep[:, :, 0])

keep("grey_alpha.png", Image.merge("LA", (grey, transparent.getchannel("A"))))
keep("alpha.png", transparent)
keep("bitmap.png", bitmap)
keep("palette_alpha.png", palette, transparency=bytes(range(0, 256, 16)))
keep("palette_2_bits.png", colour.convert("P", palette=Image.Palette.ADAPTIVE, colors=4), bits=2)
for name, samples in {"grey": 1, "grey_alpha": 2, "colour": 3, "colour_alpha": 4}.items():
    deep_png(f"{name}_16_bits.png", deep[:, :, :samples])

keep("grey.tiff", grey)
keep("colour.tiff", colour)
for compression in ["tiff_lzw", "tiff_adobe_deflate", "packbits"]:
    keep(f"colour_{compression}.tiff", colour, compression=compression)
keep("bitmap_group4.tiff", bitmap, compression="group4")
keep("palette.tiff", palette)
keep("grey_16_bits.tiff", deep_grey)
for orientation in [2, 3, 4, 5, 6, 7, 8]:
    keep(f"orientation_{orientation}.tiff", colour, tiffinfo={274: orientation})
keep("orientation_6_grey.tiff", grey, tiffinfo={274: 6})

keep("colour_24_bits.bmp", colour)
keep("alpha_32_bits.bmp", transparent)
keep("palette_8_bits.bmp", palette)
keep("bitmap.bmp", bitmap)

for name, kind, largest, samples in [("grey_16_bits.pgm", b"P5", 65535, deep[:, :, 0]),
                                     ("grey_12_bits.pgm", b"P5", 4095, deep[:, :, 0] // 16),
                                     ("colour_16_bits.ppm", b"P6", 65535, deep[:, :, :3])]:
    header = kind + b" %d %d %d\n" % (width, height, largest)
    (formats / name).write_bytes(header + samples.astype(">u2").tobytes())
    keep(name)

rows, columns = numpy.mgrid[0:20, 0:27]
smooth = Image.fromarray(numpy.stack([columns * 9, rows * 12, columns * rows // 3], axis=2).astype(numpy.uint8))
keep("grey.jpg", smooth.convert("L"))
keep("colour_444.jpg", smooth, subsampling=0)
keep("colour_422.jpg", smooth, subsampling=1)
keep("colour_420.jpg", smooth, subsampling=2)
keep("progressive_420.jpg", smooth, subsampling=2, progressive=True)
keep("progressive_grey.jpg", smooth.convert("L"), progressive=True)
smooth.resize((8, 8)).convert("CMYK").save(here / "cmyk.jpg")  # refused, so without a golden
