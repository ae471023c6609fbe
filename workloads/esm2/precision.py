"""The precisions of a training, and what fp8 needs; needs no PyTorch."""

from __future__ import annotations

from architecture import Architecture

FP32, BF16, FP8 = "fp32", "bf16", "fp8"
# The first GPUs with fp8 matrix products (L4, L40S); transformer_engine/pytorch/quantization.py,
# _compute_fp8_support: https://github.com/NVIDIA/TransformerEngine/tree/v2.17
LEAST_FP8 = (8, 9)
# Both dimensions of each product must be a multiple of 16, with MXFP8 of 32; 32 for all, so that a
# training can resume on any of these GPUs. Same file, class autocast, its note; MXFP8:
# transformer_engine/pytorch/tensor/mxfp8_tensor.py, is_quantizable.
FP8_MULTIPLE = 32


def uneven(architecture: Architecture, unit_tokens: int) -> dict[str, str]:
    """What fp8 cannot divide: by the setting's name (size, unit_tokens), the reason.

    A pass takes a multiple of `unit_tokens` tokens: workloads/esm2/rows.py fills the rows.
    """
    found = {}
    if architecture.hidden % FP8_MULTIPLE or architecture.feed_forward % FP8_MULTIPLE:
        found["size"] = (
            f"a hidden size of {architecture.hidden} and a feed-forward layer of "
            f"{architecture.feed_forward}"
        )
    if unit_tokens % FP8_MULTIPLE:
        found["unit_tokens"] = f"{unit_tokens} tokens per unit"
    return found
