"""The device that tests compute on: the CPU, or the one that DRPO_TEST_DEVICE names."""

from __future__ import annotations

import os

# As the server's process has it; PyTorch reads it once.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch

DEVICE = torch.device(os.environ.get("DRPO_TEST_DEVICE", "cpu"))

TOLERANCE = 1e-6 if DEVICE.type == "cpu" else 1e-5
"""Of outputs in float64 against plain code on the CPU: rotary angles are float32 whatever the weights are, and each
device rounds them in its own way."""
