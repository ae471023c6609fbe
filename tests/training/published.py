"""Models of `transformers`, with weights that make each part of the computation visible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import EsmConfig, EsmForMaskedLM
from transformers.utils import logging

from architecture import Architecture
from exchange import read_model
from model import Esm2

LETTERS = np.frombuffer(b"LAGVSERTIDPKQNFYMHWCXBUZO", np.uint8)


def config(architecture: Architecture) -> EsmConfig:
    """The published models', of another size.

    https://huggingface.co/facebook/esm2_t6_8M_UR50D/raw/main/config.json; not from the project.
    """
    return EsmConfig(
        num_hidden_layers=architecture.layers,
        hidden_size=architecture.hidden,
        num_attention_heads=architecture.heads,
        intermediate_size=architecture.feed_forward,
        vocab_size=33,
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def enlarged(architecture: Architecture, seed: int = 0) -> Any:
    """A model with weights of three times the usual size, and rounded frequencies.

    With the usual initial weights hardly any part but the embeddings shows in the logits. The
    frequencies are rounded to fp16, as those of the published models are.
    """
    torch.manual_seed(seed)
    model = EsmForMaskedLM(config(architecture)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0.0, 0.2)
            elif "norm" in name.lower():
                parameter.normal_(1.0, 0.2)
            else:
                parameter.mul_(3.0)
        # The norms' input is small then, so that their epsilon matters.
        model.esm.embeddings.word_embeddings.weight.mul_(0.1)
        frequencies = model.esm.rotary_embeddings.inv_freq
        frequencies.copy_(frequencies.half().float())
    return model


def save(model: Any, folder: Path) -> Path:
    """Write `model` as `transformers` does."""
    logging.set_verbosity_error()
    model.save_pretrained(folder)
    return folder


def ours(folder: Path, architecture: Architecture) -> Esm2:
    """This project's model with the weights in `folder`."""
    model = Esm2(architecture)
    read_model(folder, model)
    return model.eval()


def sequences(lengths: list[int], seed: int = 0) -> list[Tensor]:
    """Tokens of synthetic sequences of these lengths, some masked, <cls> … <eos>."""
    from tokens import CLS, EOS, MASK
    from vocabulary import encode

    chance = np.random.default_rng(seed)
    found = []
    for number, length in enumerate(lengths):
        tokens = encode(LETTERS[chance.integers(0, len(LETTERS), length)]).astype(np.int64)
        # A different share in each, to detect token dropout by pack.
        tokens[chance.random(length) < 0.05 + 0.1 * (number % 3)] = MASK
        found.append(torch.from_numpy(np.concatenate([[CLS], tokens, [EOS]])))
    return found
