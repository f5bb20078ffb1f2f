"""Makes an AOTInductor package with which the tests can reckon: twice the mean of each image, plus 1.

Usage: make_aoti_package.py FILE.pt2 (needs PyTorch 2.6 or later, setuptools, Python's headers and g++)
"""
import sys

import torch
import torch._inductor


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((1,), 2.0))

    def forward(self, x):
        return x.mean([1, 2, 3]).unsqueeze(1) * self.scale + 1.0


with torch.no_grad():
    program = torch.export.export(
        Net().eval(),
        (torch.ones(2, 3, 4, 4),),
        dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=16)}},
    )
    torch._inductor.aoti_compile_and_package(program, package_path=sys.argv[1])
