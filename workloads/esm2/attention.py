"""Attention within each sequence, with many sequences packed in one row."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn


@dataclass(frozen=True)
class Boundaries:
    """Where the sequences of a row begin and end.

    Attributes:
        places: starts, and the end of the last; shape (sequences + 1,), int32, on the device.
        tokens: of all sequences.
        longest: tokens of the longest sequence, or an upper bound.
        starts: the same as `places`, for the CPU's loop; empty on a GPU, where each new value
            would recompile the layers.
    """

    places: Tensor
    tokens: int
    longest: int
    starts: tuple[int, ...]

    @classmethod
    def of(cls, starts: list[int], device: torch.device, longest: int = 0) -> Boundaries:
        """From the starts and the end of the last sequence; `longest`: a bound, or 0."""
        longest = longest or max(stop - start for start, stop in itertools.pairwise(starts))
        places = torch.tensor(starts, dtype=torch.int32).to(device, non_blocking=True)
        on_host = () if device.type == "cuda" else tuple(starts)
        return cls(places, starts[-1], longest, on_host)

    @property
    def lengths(self) -> Tensor:
        """Tokens of each sequence, shape (sequences,), int32."""
        return self.places.diff()

    def positions(self) -> Tensor:
        """Position of each token in its sequence, shape (tokens,), int64."""
        first = torch.repeat_interleave(self.places[:-1], self.lengths, output_size=self.tokens)
        return torch.arange(self.tokens, device=self.places.device) - first


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding, by halves of the channels as in ESM-2.

    `x`: (tokens, heads, channels); `cosine`, `sine`: (tokens, 1, channels / 2), float32.
    Source: https://arxiv.org/abs/2104.09864; halves: fair-esm's rotary_embedding.py.
    """
    first, second = x.float().chunk(2, dim=-1)
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return torch.cat(turned, dim=-1).to(x.dtype)


def attention(query: Tensor, key: Tensor, value: Tensor, boundaries: Boundaries) -> Tensor:
    """Softmax attention within each sequence; the query is already scaled.

    Arguments and result are of shape (tokens, heads, channels). On a GPU one kernel handles all
    sequences (bf16 or fp16, from sm80). There is none for CPU, where a loop over the sequences is
    three times as fast as a padded batch with a mask.
    """
    if query.is_cuda:
        result = varlen_attn(
            *(query, key, value, boundaries.places, boundaries.places),
            *(boundaries.longest, boundaries.longest),
            scale=1.0,
        )
        assert isinstance(result, Tensor)
        return result
    parts = []
    for start, stop in itertools.pairwise(boundaries.starts):
        # Heads first, and a batch of one.
        q, k, v = (x[start:stop].transpose(0, 1).unsqueeze(0) for x in (query, key, value))
        parts.append(functional.scaled_dot_product_attention(q, k, v, scale=1.0))
    return torch.cat([part.squeeze(0).transpose(0, 1) for part in parts])
