"""As transformer_engine/pytorch: Linear, autocast, what the GPU can do."""

from __future__ import annotations

import math
import pickle
from typing import Any

import torch
from torch import Tensor, nn

from transformer_engine.common.recipe import MXFP8BlockScaling, Recipe

# The GPU's, for tests to change.
capability = (9, 0)
# The recipe of each product, None for those outside fp8; for tests to read.
products: list[str | None] = []
_ACTIVE: list[Recipe | None] = [None]


def is_fp8_available(return_reason: bool = False) -> bool | tuple[bool, str]:
    """quantization.py, _compute_fp8_support."""
    found = capability >= (8, 9)
    reason = "Device compute capability 8.9 or higher required for FP8 execution."
    return (found, "" if found else reason) if return_reason else found


def is_mxfp8_available(return_reason: bool = False) -> bool | tuple[bool, str]:
    """quantization.py, _compute_mxfp8_support."""
    found = (10, 0) <= capability < (12, 0)
    return (found, "" if found else "no MXFP8") if return_reason else found


class autocast:  # noqa: N801 - the real name
    """quantization.py: a context that cannot be entered twice at a time."""

    def __init__(
        self,
        enabled: bool = True,
        calibrating: bool = False,
        recipe: Recipe | None = None,
        amax_reduction_group: Any = None,
        _graph: bool = False,
    ) -> None:
        self._recipe, self._entered = recipe if enabled else None, False
        assert not enabled or recipe is not None, "the default recipe has state"

    def __enter__(self) -> autocast:
        if self._entered:
            raise RuntimeError("autocast context manager cannot be entered more than once")
        assert is_fp8_available()
        assert not isinstance(self._recipe, MXFP8BlockScaling) or is_mxfp8_available()
        self._entered = True
        _ACTIVE.append(self._recipe)
        return self

    def __exit__(self, *error: object) -> None:
        _ACTIVE.pop()
        self._entered = False


def rounded(x: Tensor, kind: torch.dtype) -> Tensor:
    """`x` as fp8 would hold it, with one scale: its largest value becomes fp8's largest."""
    largest = x.abs().max().float()
    # An all-zero tensor keeps the scale 1: quantization.py, _default_sf_compute.
    scale = torch.where(largest > 0, torch.finfo(kind).max / largest, 1.0)
    return ((x.float() * scale).to(kind).float() / scale).to(x.dtype)


class _Product(torch.autograd.Function):
    """Inputs and weights in e4m3, gradients in e5m2: Format.HYBRID."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        x, weight = (rounded(each, torch.float8_e4m3fn) for each in (x, weight))
        ctx.save_for_backward(x, weight)
        return torch.addmm(bias, x, weight.T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        gradient = rounded(gradients[0], torch.float8_e5m2)
        return gradient @ weight, gradient.T @ x, gradients[0].sum(0)


def _check_dimensions(*tensors: Tensor) -> None:
    """utils.py, assert_dim_for_fp8_exec; 16 and 32 as documented for autocast and MXFP8."""
    each = 32 if isinstance(_ACTIVE[-1], MXFP8BlockScaling) else 16
    for tensor in tensors:
        if math.prod(tensor.shape[:-1]) % each or tensor.shape[-1] % each:
            raise ValueError(f"FP8 execution requires multiples, got dims={[*tensor.shape]}")


class Linear(nn.Module):
    """module/linear.py and module/base.py; no nn.Linear, as the real one."""

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        sequence_parallel: bool = False,
        fuse_wgrad_accumulation: bool = False,
        tp_group: Any = None,
        tp_size: int = 1,
        get_rng_state_tracker: Any = None,
        rng_tracker_name: str | None = None,
        init_method: Any = None,
        bias: bool = True,
        return_bias: bool = False,
        params_dtype: torch.dtype | None = None,
        parallel_mode: str | None = None,
        parameters_split: Any = None,
        device: torch.device | str = "cuda",
    ) -> None:
        super().__init__()
        self.fp8 = False
        self.in_features, self.out_features = in_features, out_features
        for name, shape in (("weight", (out_features, in_features)), ("bias", (out_features,))):
            made = nn.Parameter(torch.empty(shape, device=device))
            self.register_parameter(name, made, fp8_meta_index=0)
        if device != "meta":
            nn.init.normal_(self.weight, 0.0, 0.023)

    def register_parameter(self, name: str, param: nn.Parameter | None, **kwargs: Any) -> None:
        """base.py: FSDP2 calls it without the additional arguments."""
        super().register_parameter(name, param)

    def get_extra_state(self) -> Tensor:
        """base.py: not empty once it has computed in fp8."""
        content = bytearray(pickle.dumps("recipe")) if self.fp8 else bytearray()
        return torch.frombuffer(content, dtype=torch.uint8) if content else torch.empty(0)

    def set_extra_state(self, state: Tensor) -> None:
        """base.py."""

    @torch._dynamo.disable  # type: ignore[untyped-decorator]
    def forward(
        self,
        inp: Tensor,
        is_first_microbatch: bool | None = None,
        fp8_output: bool | None = False,
        fp8_grad: bool | None = False,
    ) -> Tensor:
        """linear.py, forward."""
        dtype = inp.dtype
        if torch.is_autocast_enabled(inp.device.type):
            dtype = torch.get_autocast_dtype(inp.device.type)
        elif dtype != self.weight.dtype:  # base.py, set_activation_dtype
            raise TypeError(
                "Data types for parameters must match when outside of autocasted region"
            )
        recipe = _ACTIVE[-1]
        self.fp8 = recipe is not None
        products.append(type(recipe).__name__ if recipe else None)
        parts = [each.to(dtype) for each in (inp, self.weight, self.bias)]
        if recipe is None:
            return nn.functional.linear(*parts)
        _check_dimensions(inp, self.weight)
        result: Tensor = _Product.apply(*parts)
        return result
