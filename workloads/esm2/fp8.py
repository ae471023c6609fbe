"""fp8 in the products of the transformer layers, by NVIDIA's Transformer Engine.

Written against its version 2.17, the image's; files named here are below
https://github.com/NVIDIA/TransformerEngine/tree/v2.17/transformer_engine . It is imported only for
--precision fp8.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from architecture import Architecture
from failures import TrainingError
from model import Esm2
from precision import FP8_MULTIPLE, LEAST_FP8, uneven


def engine() -> Any:
    """The module transformer_engine.pytorch.

    Raises:
        TrainingError: it cannot be imported.
    """
    try:
        import transformer_engine.pytorch as found
    # common/__init__.py raises all of these: absent, of another version, a library missing.
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(
            f"--precision fp8 is not allowed: Transformer Engine cannot be imported ({reason}). "
            "Choose bf16, or an image that has it"
        ) from None
    return found


def check(device: torch.device, size: Architecture, unit_tokens: int) -> None:
    """Make sure that `device` can train a model of `size` in fp8.

    Raises:
        TrainingError: it cannot; the text says why.
    """
    if device.type != "cuda":
        raise TrainingError(
            "--precision fp8 is not allowed on a CPU: it needs a GPU of sm89 or later; "
            "choose bf16 or fp32"
        )
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_FP8:
        raise TrainingError(
            f"--precision fp8 is not allowed on {torch.cuda.get_device_name(device)} "
            f"(sm{capability[0]}{capability[1]}): it needs sm89 or later (L4, L40S, H100, B200); "
            "choose bf16"
        )
    for option, what in uneven(size, unit_tokens).items():
        raise TrainingError(
            f"--precision fp8 is not allowed with {what}: choose multiples of {FP8_MULTIPLE} "
            f"(--{option.replace('_', '-')}), or bf16"
        )
    available, reason = engine().is_fp8_available(return_reason=True)
    if not available:
        raise TrainingError(f"--precision fp8 is not allowed: {reason} Choose bf16")


def convert(model: Esm2) -> str:
    """Let the linear layers in `model`'s transformer layers train in fp8; return the recipe's name.

    Their weights and biases stay the same parameters, under the same names.
    """
    found = engine()
    recipe = _recipe(found)
    kind = _linear(found, recipe)
    for layer in model.esm.encoder.layer:
        for parent in [*layer.modules()]:
            for name, child in [*parent.named_children()]:
                if isinstance(child, nn.Linear):
                    setattr(parent, name, _replaced(child, kind))
    return type(recipe).__name__


def _recipe(found: Any) -> Any:
    """How values are scaled: a recipe that keeps no state between steps.

    The default for sm89 and sm90, delayed scaling, keeps histories of maxima that would have to be
    in each checkpoint; these two scale each tensor by its own values. MXFP8, with a scale for each
    32 values, exists for sm100 and sm103 only: common/recipe/__init__.py, pytorch/quantization.py
    (Float8CurrentScalingRecipeState, MXFP8BlockScalingRecipeState: "does not require state").
    """
    from transformer_engine.common.recipe import Float8CurrentScaling, MXFP8BlockScaling

    return MXFP8BlockScaling() if found.is_mxfp8_available() else Float8CurrentScaling()


def _linear(found: Any, recipe: Any) -> Any:
    """The class of the layers."""

    class Linear(found.Linear):
        """fp8 in training; in evaluation what nn.Linear computes, as every user of the export does.

        So a model's validation does not depend on how it was trained.
        """

        # The state would only name the recipe (pytorch/module/base.py, get_extra_state). Without
        # these methods nn.Module.state_dict has no entry for it, and checkpoints and exports are
        # those of bf16.
        get_extra_state = nn.Module.get_extra_state
        set_extra_state = nn.Module.set_extra_state

        # Transformer Engine keeps its own forward out of torch.compile (pytorch/module/linear.py,
        # no_torch_dynamo); a break of the graph inside a context manager would leave the whole
        # frame uncompiled.
        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def forward(self, x: Tensor) -> Tensor:
            """Of shape (tokens, outputs)."""
            if not self.training:
                return functional.linear(x, self.weight, self.bias)
            # In here, not around the model: the recomputation of activations runs in the backward
            # pass, outside any context of the forward pass, and torch.utils.checkpoint does not
            # know this one (te.checkpoint does: pytorch/distributed.py).
            with found.autocast(enabled=True, recipe=recipe):
                result: Tensor = super().forward(x)
            return result

    return Linear


def _replaced(linear: nn.Linear, kind: Any) -> nn.Module:
    """A layer of `kind` with the parameters of `linear`."""
    # "meta": no memory, no random numbers, and no GPU while the model is still on the CPU.
    replaced: nn.Module = kind(linear.in_features, linear.out_features, device="meta")
    replaced.weight, replaced.bias = linear.weight, linear.bias
    return replaced
