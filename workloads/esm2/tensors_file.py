"""Files in the safetensors format: https://github.com/huggingface/safetensors#format."""

from __future__ import annotations

import json
import math
import mmap
from pathlib import Path

import torch
from torch import Tensor

from failures import TrainingError

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_ALIGNMENT = 8
_LONGEST_HEADER = 100_000_000  # the format's own limit


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write `tensors`, which are on the CPU, in the order of their names."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in sorted(tensors.items()):
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in sorted(tensors.items()):
            file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file; they are memory-mapped, copy-on-write.

    Raises:
        TrainingError: it is not a complete file of this format.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LONGEST_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(file.read(length))
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        header.pop("__metadata__", None)
        return {name: _tensor(content, 8 + length, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path}: cannot be read as safetensors ({error})") from None


def _tensor(content: mmap.mmap, base: int, entry: dict[str, object]) -> Tensor:
    kind, shape = _TYPES[str(entry["dtype"])], entry["shape"]
    offsets = entry["data_offsets"]
    assert isinstance(shape, list)
    assert isinstance(offsets, list)
    count = math.prod(shape)
    if offsets[1] - offsets[0] != count * kind.itemsize or base + offsets[1] > len(content):
        raise ValueError("it is shorter than its header says")
    if not count:
        return torch.zeros(shape, dtype=kind)
    return torch.frombuffer(content, dtype=kind, count=count, offset=base + offsets[0]).view(shape)
