#!/usr/bin/env python3
"""The loop that somebody might write by hand in PyTorch: from the preprocessed tensor on the host to the logit on the host.

    tests/gpu/bare_loop.py MODEL.ckpt INPUT.npy OUT.json [--device cuda] [--calls 300]

MODEL.ckpt is the checkpoint of `stagemark sample`, INPUT.npy what `stagemark preprocess` writes: the same network on the
same pixels. OUT.json gets the median of each way in milliseconds, and its logit.
"""
import argparse
import json
import statistics
import time

import numpy
import torch
import torch.nn.functional as F

arguments = argparse.ArgumentParser()
arguments.add_argument("model")
arguments.add_argument("input")
arguments.add_argument("out")
arguments.add_argument("--device", default="cuda")
arguments.add_argument("--calls", type=int, default=300)
arguments = arguments.parse_args()
device = torch.device(arguments.device)
on_gpu = device.type == "cuda"
# FP32 means FP32, as stagemark's does.
torch.backends.cudnn.allow_tf32 = False
torch.backends.cuda.matmul.allow_tf32 = False
stored = torch.load(arguments.model, map_location="cpu", weights_only=True)["state_dict"]
image = torch.from_numpy(numpy.load(arguments.input))


def network(dtype):
    weights = {}
    for name, tensor in stored.items():
        if tensor.is_floating_point():
            weights[name] = tensor.to(device, dtype)

    def convolve(x, convolution, normalisation, stride, padding):
        x = F.conv2d(x, weights[f"{convolution}.weight"], None, stride, padding)
        of = [weights[f"{normalisation}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *of)

    def forward(x):
        x = F.relu(convolve(x, "model.features.0", "model.features.1", 2, 3), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        for stage, blocks in enumerate((3, 4, 6, 3)):
            for block in range(blocks):
                name = f"model.features.{4 + stage}.{block}."
                stride = 2 if stage > 0 and block == 0 else 1
                y = F.relu(convolve(x, name + "conv1", name + "bn1", 1, 0), inplace=True)
                y = F.relu(convolve(y, name + "conv2", name + "bn2", stride, 1), inplace=True)
                y = convolve(y, name + "conv3", name + "bn3", 1, 0)
                if block == 0:
                    x = convolve(x, name + "downsample.0", name + "downsample.1", stride, 0)
                x = F.relu(y.add_(x), inplace=True)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        for layer in (2, 5, 8):
            x = F.linear(x, weights[f"model.classifier.{layer}.weight"], weights[f"model.classifier.{layer}.bias"])
            if layer != 8:
                x = F.relu(x, inplace=True)
        return x

    return forward


def recorded(forward, dtype):
    static = image.to(device, dtype)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            forward(static)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = forward(static)

    def replay(x):
        static.copy_(x)
        graph.replay()
        return output

    return replay


ways = {}
with torch.inference_mode():
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)):
        for graph in (False, True) if on_gpu else (False,):
            forward = network(dtype)
            run = recorded(forward, dtype) if graph else forward
            times = []
            for call in range(20 + arguments.calls):
                start = time.perf_counter()
                logit = run(image.to(device, dtype)).float().cpu()
                if call >= 20:
                    times.append(1e3 * (time.perf_counter() - start))
            ways[name + ("+graph" if graph else "")] = {"median_ms": statistics.median(times), "logit": logit.item()}
with open(arguments.out, "w") as out:
    json.dump({"torch": torch.__version__, "calls": arguments.calls, "ways": ways}, out, indent=1)
print(json.dumps(ways, indent=1))
