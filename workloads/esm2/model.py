"""ESM-2 on packed sequences; parameters are named as in `transformers`' EsmForMaskedLM.

Source: https://github.com/facebookresearch/esm (esm/model/esm2.py) and the paper,
https://doi.org/10.1126/science.ade2574.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from architecture import INITIALIZER_RANGE, LAYER_NORM_EPS, ROTARY_BASE, Architecture
from attention import Boundaries, attention, rotated
from tokens import MASK, PAD, TOKENS

# Share of tokens shown as <mask> in training: 80 % of the 15 % that are predicted.
TRAINED_MASK_SHARE = 0.15 * 0.8


class SelfAttention(nn.Module):
    """Query, key and value of each head, rotated by position."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        hidden = architecture.hidden
        self.heads, self.head_size = architecture.heads, architecture.head_size
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, boundaries: Boundaries) -> Tensor:
        """Of shape (tokens, hidden), as `x`."""
        shape = (x.shape[0], self.heads, self.head_size)
        # Scaled before the rotation, as in the published model.
        query = (self.query(x) * self.head_size**-0.5).view(shape)
        key, value = self.key(x).view(shape), self.value(x).view(shape)
        result = attention(
            rotated(query, cosine, sine), rotated(key, cosine, sine), value, boundaries
        )
        return result.reshape(x.shape)


class Projection(nn.Module):
    """One linear layer under the name `dense`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Of shape (tokens, outputs)."""
        result: Tensor = self.dense(x)
        return result


class Attention(nn.Module):
    """Norm, attention, projection; the name `self` is the published one."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.add_module("self", SelfAttention(architecture))
        self.output = Projection(architecture.hidden, architecture.hidden)
        self.LayerNorm = nn.LayerNorm(architecture.hidden, LAYER_NORM_EPS)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, boundaries: Boundaries) -> Tensor:
        """What to add to `x`, of its shape."""
        heads = self.get_submodule("self")
        result: Tensor = self.output(heads(self.LayerNorm(x), cosine, sine, boundaries))
        return result


class Layer(nn.Module):
    """One transformer layer, norms first."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.attention = Attention(architecture)
        self.intermediate = Projection(architecture.hidden, architecture.feed_forward)
        self.output = Projection(architecture.feed_forward, architecture.hidden)
        self.LayerNorm = nn.LayerNorm(architecture.hidden, LAYER_NORM_EPS)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, boundaries: Boundaries) -> Tensor:
        """Of shape (tokens, hidden), as `x`."""
        x = x + self.attention(x, cosine, sine, boundaries)
        result: Tensor = x + self.output(functional.gelu(self.intermediate(self.LayerNorm(x))))
        return result


class Embeddings(nn.Module):
    """The tokens' embeddings, with ESM-2's token dropout."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(len(TOKENS), hidden, padding_idx=PAD)

    def forward(self, tokens: Tensor, boundaries: Boundaries) -> Tensor:
        """Zero at <mask>; the rest scaled, per sequence, to its mean scale in training.

        In evaluation too: this compensates for the share of <mask> in each sequence, with <cls>
        and <eos>. Shape (tokens, hidden).
        """
        masked = tokens == MASK
        before = functional.pad(masked.cumsum(0), (1, 0))[boundaries.places.long()]
        share = before.diff() / boundaries.lengths
        scale = (1 - TRAINED_MASK_SHARE) / (1 - share)
        by_token = torch.repeat_interleave(
            scale, boundaries.lengths, output_size=tokens.shape[0]
        ).masked_fill(masked, 0.0)
        embedded: Tensor = self.word_embeddings(tokens)
        return (embedded * by_token[:, None]).to(embedded.dtype)


class Rotary(nn.Module):
    """The rotary embedding's frequencies, in a buffer: published models have rounded ones."""

    inv_freq: Tensor

    def __init__(self, head_size: int) -> None:
        super().__init__()
        powers = torch.arange(0, head_size, 2, dtype=torch.float32) / head_size
        self.register_buffer("inv_freq", 1.0 / ROTARY_BASE**powers)

    def forward(self, boundaries: Boundaries) -> tuple[Tensor, Tensor]:
        """Cosine and sine of each token's angles, each (tokens, 1, head size / 2), float32."""
        with torch.autocast(boundaries.places.device.type, enabled=False):
            angles = boundaries.positions()[:, None].float() * self.inv_freq.float()
            return angles.cos()[:, None], angles.sin()[:, None]


class Encoder(nn.Module):
    """All layers and the last norm."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(architecture) for _ in range(architecture.layers))
        self.emb_layer_norm_after = nn.LayerNorm(architecture.hidden, LAYER_NORM_EPS)


class Trunk(nn.Module):
    """All but the head that predicts the tokens."""

    def __init__(self, architecture: Architecture, recompute: bool) -> None:
        super().__init__()
        self.recompute = recompute
        self.embeddings = Embeddings(architecture.hidden)
        self.rotary_embeddings = Rotary(architecture.head_size)
        self.encoder = Encoder(architecture)

    def forward(self, tokens: Tensor, boundaries: Boundaries) -> Tensor:
        """The representation of each token, (tokens, hidden)."""
        x = self.embeddings(tokens, boundaries)
        cosine, sine = self.rotary_embeddings(boundaries)
        for layer in self.encoder.layer:
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(layer, x, cosine, sine, boundaries, use_reentrant=False)
            else:
                x = layer(x, cosine, sine, boundaries)
        result: Tensor = self.encoder.emb_layer_norm_after(x)
        return result


class Head(nn.Module):
    """From representations to logits, with the embeddings' matrix as the decoder."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden, LAYER_NORM_EPS)
        self.bias = nn.Parameter(torch.zeros(len(TOKENS)))

    def forward(self, x: Tensor, embeddings: Tensor) -> Tensor:
        """Of shape (tokens, vocabulary)."""
        return functional.linear(
            self.layer_norm(functional.gelu(self.dense(x))), embeddings, self.bias
        )


class Esm2(nn.Module):
    """ESM-2 for masked language modeling.

    Args:
        architecture: its size.
        recompute: keep only the layers' inputs for the backward pass, and recompute the rest.
    """

    def __init__(self, architecture: Architecture, recompute: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        self.esm = Trunk(architecture, recompute)
        self.lm_head = Head(architecture.hidden)

    def forward(
        self, tokens: Tensor, boundaries: Boundaries, places: Tensor | None = None
    ) -> Tensor:
        """Logits of the tokens at `places` (None: all), shape (places, vocabulary).

        `tokens`: (tokens,), int64, many sequences in a row, <cls> … <eos> each.
        """
        x = self.esm(tokens, boundaries)
        if places is not None:
            x = x[places]
        logits: Tensor = self.lm_head(x, self.esm.embeddings.word_embeddings.weight)
        return logits

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Random weights, as for the published models: normal, deviation 0.02; biases zero."""
        random = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(0.0, INITIALIZER_RANGE, generator=random)
            if isinstance(module, nn.Linear):
                module.bias.zero_()
            if isinstance(module, nn.Embedding):
                module.weight[PAD].zero_()
