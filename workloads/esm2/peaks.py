"""How fast GPUs can be; needs no PyTorch."""

from __future__ import annotations

# Dense bf16 operations per second, by a part of the GPU's name; NVIDIA's data sheets:
# https://www.nvidia.com/en-us/data-center/a100/ and so on
PEAKS = {
    "B300": 2.25e15,
    "B200": 2.25e15,
    "H200": 9.89e14,
    "H100": 9.89e14,
    "A100": 3.12e14,
    "L40S": 3.62e14,
    "A10G": 7.0e13,
    "L4": 1.21e14,
}
