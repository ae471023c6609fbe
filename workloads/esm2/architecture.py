"""The published sizes of ESM-2, and what follows from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from failures import TrainingError
from tokens import TOKENS

# The same in all published ESM-2 models: https://huggingface.co/facebook/esm2_t33_650M_UR50D/raw/main/config.json
LAYER_NORM_EPS = 1e-5
INITIALIZER_RANGE = 0.02
MAX_POSITION_EMBEDDINGS = 1026
ROTARY_BASE = 10000.0


@dataclass(frozen=True)
class Architecture:
    """Layers, width of the residual stream, attention heads, width of the feed-forward layer."""

    layers: int
    hidden: int
    heads: int
    feed_forward: int

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden, self.heads, self.feed_forward) < 1:
            raise TrainingError(f"{self}: each number must be at least 1")
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise TrainingError(
                f"a hidden size of {self.hidden} with {self.heads} heads is not allowed: "
                "each head needs the same, even number of channels"
            )

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.hidden // self.heads

    @property
    def layer_parameters(self) -> int:
        """Trained parameters of one layer."""
        attention = 4 * self.hidden * (self.hidden + 1)
        feed_forward = 2 * self.hidden * self.feed_forward + self.feed_forward + self.hidden
        return attention + feed_forward + 4 * self.hidden

    @property
    def parameters(self) -> int:
        """Trained parameters; the decoder shares the embeddings' matrix."""
        embeddings = len(TOKENS) * self.hidden
        head = self.hidden * (self.hidden + 1) + 2 * self.hidden + len(TOKENS)
        return self.layers * self.layer_parameters + embeddings + 2 * self.hidden + head

    def flops_per_token(self, mean_length: float) -> float:
        """Floating-point operations to train on a token of a sequence of `mean_length` tokens.

        6 per parameter, and per layer 12 x width x length for the attention's two products
        (https://arxiv.org/abs/2204.02311, appendix B).
        """
        return 6.0 * self.parameters + 12.0 * self.layers * self.hidden * mean_length

    def as_json(self) -> dict[str, int]:
        """For a checkpoint's description."""
        return asdict(self)

    def as_config(self) -> dict[str, Any]:
        """The config.json of `transformers`' EsmForMaskedLM."""
        return {
            "architectures": ["EsmForMaskedLM"],
            "model_type": "esm",
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "num_attention_heads": self.heads,
            "intermediate_size": self.feed_forward,
            "vocab_size": len(TOKENS),
            "pad_token_id": TOKENS.index("<pad>"),
            "mask_token_id": TOKENS.index("<mask>"),
            "position_embedding_type": "rotary",
            "token_dropout": True,
            "emb_layer_norm_before": False,
            "layer_norm_eps": LAYER_NORM_EPS,
            "initializer_range": INITIALIZER_RANGE,
            "max_position_embeddings": MAX_POSITION_EMBEDDINGS,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "is_folding_model": False,
            "tie_word_embeddings": True,
            "torch_dtype": "float32",
        }


SIZES = {
    # https://huggingface.co/facebook: esm2_t6_8M_UR50D to esm2_t48_15B_UR50D, their config.json
    "8M": Architecture(6, 320, 20, 1280),
    "35M": Architecture(12, 480, 20, 1920),
    "150M": Architecture(30, 640, 20, 2560),
    "650M": Architecture(33, 1280, 20, 5120),
    "3B": Architecture(36, 2560, 40, 10240),
    "15B": Architecture(48, 5120, 40, 20480),
}


def architecture(text: str) -> Architecture:
    """The one that `text` names: a published size, or four numbers separated by `x`.

    Raises:
        TrainingError: it is neither.
    """
    if text in SIZES:
        return SIZES[text]
    parts = text.split("x")
    if len(parts) == len(fields(Architecture)) and all(part.isdecimal() for part in parts):
        return Architecture(*map(int, parts))
    raise TrainingError(
        f"--size {text} is not allowed: give one of {', '.join(SIZES)}, or "
        "layers x hidden x heads x feed-forward, such as 4x128x8x512"
    )
