#!/usr/bin/env python3
"""Prints the figures of stagemark that need no GPU and no other engine, each with what it is held against.

    python3 tests/performance/figures.py BUILD [harness] [many] [check] [load] [loop IMAGES MODEL.ckpt]

BUILD is the build directory. Without names: harness, many, check and load. None is a test: no test asserts a time.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

build = Path(sys.argv[1])
stagemark = os.environ.get("STAGEMARK", str(build / "apps/stagemark/stagemark"))
names = sys.argv[2:] or ["harness", "many", "check", "load"]


def call(*arguments):
    """Runs the tool; seconds by the clock and of processors, peak memory of the largest process in MB, exit code, output."""
    read, write = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        with tempfile.TemporaryFile() as out:
            code = subprocess.call([stagemark, *arguments], stdout=out, stderr=subprocess.STDOUT)
            # Children of a child that did nothing else: theirs alone.
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            out.seek(0)
            result = [used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code, out.read().decode(errors="replace")]
            os.write(write, json.dumps(result[:3] + [result[3][-3000:]]).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as result:
        processors, peak, code, text = json.loads(result.read())
    os.waitpid(child, 0)
    return time.perf_counter() - start, processors, peak, code, text


def grey_images(directory, count):
    """Grey 8 x 8 images of two classes."""
    for name in ("NORMAL", "PNEUMONIA"):
        (directory / name).mkdir(parents=True)
    for i in range(count):
        path = directory / ("NORMAL" if i % 2 else "PNEUMONIA") / f"{i:06}.pgm"
        path.write_bytes(b"P5 8 8 255\n" + bytes([i % 256] * 64))


def run(images, output, *options):
    seconds, _, peak, code, text = call("run", str(images), "-o", str(output), "--force", "--progress", "off", *options)
    if code != 0:
        sys.exit(f"run ended with {code}: {text}")
    return seconds, peak, json.loads((output / "report.json").read_text())


def harness(work):
    grey_images(work / "few", 600)
    costs = []
    for _ in range(7):
        _, _, report = run(work / "few", work / "few.out", "-a", "null-fp32", "--isolation", "none", "--passes", "5")
        costs.append(report["results"][0]["harness"])
    # A mean over calls of 200 ns: whatever else runs only adds to it, and to the cost of a reading.
    calls = sorted(cost["wall_ns_per_call"] for cost in costs)
    reading = min(cost["clock_reading_ns"] for cost in costs)
    print(f"harness    {calls[0] / reading:.1f} readings of the clock an image ({calls[0]:.0f} ns, a reading takes "
          f"{reading:.1f} ns), the least of {len(costs)} runs of 3,000 images, the median {calls[3] / reading:.1f}; "
          "to reach: 20 at most")


def many(work):
    costs = []
    for count in (1_000, 10_000, 100_000):
        grey_images(work / f"many{count}", count)
        seconds, peak, report = run(work / f"many{count}", work / f"many{count}.out", "-a", "null-fp32", "-a", "null-fp32")
        workers = [result["memory"]["peak_rss_bytes"] / 2**20 for result in report["results"]]
        images = sum(result["inferences"] for result in report["results"])
        costs.append(report["results"][0]["harness"]["cost_in_clock_readings"])
        print(f"many       {count:7} images, 2 approaches: {1e6 * seconds / images:.0f} us an inference, all included; "
              f"measured loop {costs[-1]:.1f} readings a call; at most {peak:.0f} MB in one process, "
              f"{peak + sum(workers):.0f} MB in all three with the libraries counted three times; to reach: 500 MB")
    print(f"many       cost of 100,000 to that of 1,000 images: {costs[-1] / costs[0]:.2f}; to reach: 1")


def repeated(values, rows):
    return (values * (rows // len(values) + 1))[:rows]


def large_report(small, file, images, processes):
    """A report of as many images, from one of few: the columns are made longer, the rest stays."""
    report = json.loads(json.dumps(small))
    report["dataset"]["images"] = report["dataset"]["found"] = images
    result = report["results"][0]
    per_image = result["per_image"]
    columns = {name: column for name, column in per_image.items() if isinstance(column, list)}
    for name, column in columns.items():
        per_image[name] = repeated(column, images)
    for name, column in per_image["stages_ns"].items():
        per_image["stages_ns"][name] = repeated(column, images)
    per_image["path"] = [f"{'NORMAL' if i % 2 else 'PNEUMONIA'}/patient-{i:07}_bacteria_1.jpeg" for i in range(images)]
    per_image["round"] = [i // 64 for i in range(images)]
    per_image["process"] = [i * processes // images for i in range(images)]
    per_image["pass"] = [0] * images
    per_image["call"] = list(range(images))
    result["samples"] = result["inferences"] = images
    file.write_text(json.dumps(report, separators=(",", ":")))


def check(work):
    grey_images(work / "base", 1_000)
    _, _, small = run(work / "base", work / "base.out", "-a", "null-fp32")
    for name, processes in (("stored", 10), ("new", 5)):
        large_report(small, work / f"{name}.json", 1_000_000, processes)
    size = (work / "new.json").stat().st_size / 2**20
    seconds, processors, peak, code, text = call("check", "--baseline", str(work / "stored.json"), str(work / "new.json"))
    print(f"check      two reports of 1,000,000 images ({size:.0f} MB each): {seconds:.1f} s by the clock, {processors:.1f} s of a "
          f"processor, {peak:.0f} MB, exit code {code}; to reach: 10 s, 2000 MB")
    if code not in (0, 1, 5):
        sys.exit(text)


def load(_):
    print("load       the generator, queue and log alone; to reach: 40 readings of the clock a query (MLPerf LoadGen takes 37), "
          "64 bytes a query, 200 us late (p99) at 5,000 queries a second in quiet", flush=True)
    subprocess.check_call([str(build / "tests/performance/load_generator")])


with tempfile.TemporaryDirectory() as directory:
    for name in names:
        if name == "loop":
            print("loop       `total` of libtorch-fp32 to that of a bare loop; to reach: 1.01 at most", flush=True)
            subprocess.check_call([str(build / "tests/performance/bare_loop"), *names[names.index("loop") + 1:]])
            break
        {"harness": harness, "many": many, "check": check, "load": load}[name](Path(directory))
