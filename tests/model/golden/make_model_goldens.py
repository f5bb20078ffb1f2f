#!/usr/bin/env python3
"""Writes the checkpoints that the tests of the model room read, with PyTorch itself.

    python3 tests/model/golden/make_model_goldens.py

They are committed, so that the tests need no Python. Values follow from the shapes: element i of a tensor is
i / 4 - 1, which every floating type here holds exactly.
"""
import os
import random
from collections import OrderedDict
from pathlib import Path

import numpy
import torch

here = Path(__file__).resolve().parent


def ramp(*shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count, dtype=torch.float64) / 4 - 1).reshape(shape).to(dtype)


def save(name, value, **options):
    torch.save(value, here / name, **options)


save("state_dict.pt", OrderedDict(a=ramp(2, 3), b=ramp(4)))

lightning = {
    "epoch": 7,
    "global_step": 1234,
    "pytorch-lightning_version": "2.1.0",
    "state_dict": OrderedDict([("model.features.0.weight", ramp(2, 3, 1, 1)), ("model.classifier.2.bias", ramp(1)),
                               ("loss_fn.pos_weight", ramp(1))]),
    "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 8, "completed": 7}}}},
    "callbacks": {
        "ModelCheckpoint{'monitor': 'val_recall', 'mode': 'max'}": {
            "best_model_score": torch.tensor(0.928), "best_k_models": {"a.ckpt": torch.tensor(0.9)},
            "dirpath": "checkpoints"},
        "EarlyStopping{'monitor': 'val_recall', 'mode': 'max'}": {"wait_count": 0, "best_score": torch.tensor(0.5)},
    },
    "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0), "exp_avg": ramp(2), "exp_avg_sq": ramp(2)}},
                          "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0]}]}],
    "lr_schedulers": [{"T_0": 10, "base_lrs": [1e-3]}],
    "hparams_name": "kwargs",
    "hyper_parameters": {"num_classes": 1, "monitor_metric": "val_recall", "use_focal_loss": True,
                         "focal_alpha": 0.25, "nothing": None, "negative": -3},
}
save("lightning.ckpt", lightning)
save("legacy_lightning.ckpt", lightning, _use_new_zipfile_serialization=False)

save("prefixes.pt", {"model._orig_mod.compiled": ramp(1), "module.parallel": ramp(2),
                     "module._orig_mod.model.all": ramp(3)})
types = ({str(dtype).removeprefix("torch."): ramp(5, dtype=dtype)
                  for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64)} |
     {"int64": torch.arange(5) - 2, "int32": (torch.arange(5) - 2).int(), "int16": (torch.arange(5) - 2).short(),
      "int8": (torch.arange(5) - 2).char(), "uint8": torch.arange(5).byte(), "bool": torch.tensor([True, False])})
save("types.pt", types)
save("legacy_types.pt", types, _use_new_zipfile_serialization=False)

base = ramp(4, 6)
views = ({"whole": base, "transposed": base.t(), "column": base[:, 2], "corner": base[1:3, 2:5],
                  "empty": torch.empty(0, 3), "scalar": torch.tensor(2.5)})
save("views.pt", views)
save("legacy_views.pt", views, _use_new_zipfile_serialization=False)
save("expanded.pt", {"expanded": ramp(1).expand(3)})
save("parameters.pt", {"weight": torch.nn.Parameter(ramp(2, 2))})


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)


class Attack:
    def __reduce__(self):
        return os.system, ("touch /tmp/stagemark-was-attacked",)


save("module.pt", Net())
save("module_inside.pt", {"weight": ramp(2), "net": Net()})
save("attack.pt", {"state_dict": {"weight": ramp(2)}, "callbacks": Attack()})
save("legacy_attack.pt", {"state_dict": {"weight": ramp(2)}, "callbacks": Attack()},
     _use_new_zipfile_serialization=False)
save("protocol4.pt", {"weight": ramp(2), "bias": ramp(1)}, pickle_protocol=4)
for protocol in (0, 1, 3, 4, 5):
    save(f"legacy_protocol{protocol}.pt",
         {"weight": torch.nn.Parameter(ramp(2, 2)), "column": base[:, 2], "half": ramp(3, dtype=torch.float16),
          "epoch": 2 ** 40, "rate": 0.25, "best": True},
         pickle_protocol=protocol, _use_new_zipfile_serialization=False)
save("protocol0.pt", {"weight": ramp(2), "bias": ramp(1)}, pickle_protocol=0)
save("no_tensors.pt", {"weight": 1})


class Scale:
    def __init__(self):
        self.factor = 2.0


def half(*values, dtype):
    return torch.tensor(values, dtype=torch.float64).to(dtype)


inf, nan = float("inf"), float("nan")
save("unknown_class.pt", {"weight": ramp(2), "scale": Scale()})
save("half_edges.pt", {
    "float16": half(65504, -65504, 2.0 ** -14, 1023 * 2.0 ** -24, 2.0 ** -24, -2.0 ** -24, 0, inf, -inf,
                    dtype=torch.float16),
    "bfloat16": half(255 * 2.0 ** 120, 2.0 ** -126, 2.0 ** -133, inf, -inf, dtype=torch.bfloat16),
    "float16_nan": half(nan, dtype=torch.float16), "bfloat16_nan": half(nan, dtype=torch.bfloat16),
    "float16_minus_zero": half(-0.0, dtype=torch.float16)})
save("other_objects.ckpt", {
    "state_dict": {"model.weight": ramp(2)},
    "callbacks": {"Scale": Scale(), "dirpath": Path("checkpoints"), "seen": {1, 2}, "raw": b"raw",
                  "random": random.Random(0).getstate(), "numpy": numpy.random.RandomState(0).get_state(),
                  "size": torch.Size([2]), "device": torch.device("cpu"), "dtype": torch.float16, "z": 1 + 2j},
    "hyper_parameters": {"rate": 1e-3, "seed": 2 ** 63 - 1, "too_large": 2 ** 63 + 1, "sizes": [1, 2]}})
