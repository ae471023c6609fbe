"""Reads and writes models as folders for `transformers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from architecture import Architecture
from failures import TrainingError
from model import Esm2
from tensors_file import read_tensors, write_tensors
from tokens import TOKENS

WEIGHTS, WEIGHTS_INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
_FREQUENCIES = "esm.rotary_embeddings.inv_freq"
_EMBEDDINGS, _DECODER = "esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight"
_CONTACTS = "esm.contact_head.regression"
# In published files, but unused with rotary positions.
_UNUSED = {
    *("esm.embeddings.position_ids", "esm.embeddings.position_embeddings.weight"),
    _DECODER,  # the embeddings' own matrix
}
# Names that transformers 5 writes instead of the published ones: TensorFlow's for norms, and one
# entry, named `layer.*`, for the frequencies of all layers.
_RENAMED = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_TOKENIZER = {
    "tokenizer_class": "EsmTokenizer",
    "model_max_length": 1026,
    "cls_token": "<cls>",
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
# These determine what a model computes: with other values it is not ESM-2.
_FIXED = (
    *("vocab_size", "position_embedding_type", "token_dropout", "layer_norm_eps"),
    *("emb_layer_norm_before", "pad_token_id", "mask_token_id"),
)


def _layer_frequencies(layer: int) -> str:
    return f"esm.encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"


def _own_name(published: str) -> str:
    """The name in this project's model for the file's name `published`."""
    if published.endswith("rotary_embeddings.inv_freq"):
        return _FREQUENCIES
    for theirs, ours in _RENAMED.items():
        published = published.replace(theirs, ours)
    return published


def to_published(state: dict[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """The model's state with the names and parts of the published files."""
    tensors = {name: value for name, value in state.items() if name != _FREQUENCIES}
    for layer in range(architecture.layers):
        tensors[_layer_frequencies(layer)] = state[_FREQUENCIES]
    tensors[_DECODER] = state[_EMBEDDINGS]
    # The head that predicts contacts from attention, which is not trained here.
    tensors[f"{_CONTACTS}.weight"] = torch.zeros(1, architecture.layers * architecture.heads)
    tensors[f"{_CONTACTS}.bias"] = torch.zeros(1)
    return tensors


def write_model(folder: Path, state: dict[str, Tensor], architecture: Architecture) -> None:
    """Write weights, configuration and tokenizer into `folder`."""
    write_tensors(folder / WEIGHTS, to_published(state, architecture))
    (folder / CONFIG).write_text(json.dumps(architecture.as_config(), indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER, indent=2) + "\n")
    (folder / "vocab.txt").write_text("\n".join(TOKENS))


def read_architecture(folder: Path) -> Architecture:
    """The size of the model in `folder`.

    Raises:
        TrainingError: there is none, or it is not ESM-2.
    """
    path = folder / CONFIG
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
        found = Architecture(
            *(config["num_hidden_layers"], config["hidden_size"]),
            *(config["num_attention_heads"], config["intermediate_size"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError(
            f"--start {folder}: no model there: {CONFIG} is missing or not of ESM-2"
        ) from None
    for key in _FIXED:
        wanted = found.as_config()[key]
        if config.get(key) != wanted:
            raise TrainingError(
                f"--start {folder}: {CONFIG} says {key} {config.get(key)}; ESM-2 has {wanted}"
            )
    return found


def read_model(folder: Path, model: Esm2) -> None:
    """Load the weights in `folder` into `model`.

    Raises:
        TrainingError: they are missing, or of another model.
    """
    tensors: dict[str, Tensor] = {}
    for path in _weight_files(folder):
        tensors.update((_own_name(name), value) for name, value in read_tensors(path).items())
    for name in [name for name in tensors if name in _UNUSED or name.startswith(_CONTACTS)]:
        del tensors[name]
    expected = model.state_dict()
    tensors.setdefault(_FREQUENCIES, expected[_FREQUENCIES])
    wrong = [
        name
        for name in sorted(expected.keys() | tensors.keys())
        if name not in expected
        or name not in tensors
        or expected[name].shape != tensors[name].shape
    ]
    if wrong:
        raise TrainingError(
            f"--start {folder}: the weights do not match {CONFIG}: {wrong[0]} ({len(wrong)} differ)"
        )
    model.load_state_dict({name: value.float() for name, value in tensors.items()})


def _weight_files(folder: Path) -> list[Path]:
    index = folder / WEIGHTS_INDEX
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    try:
        names = set(json.loads(index.read_bytes())["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        raise TrainingError(
            f"--start {folder}: {WEIGHTS} is missing (other formats are not supported)"
        ) from None
    return [folder / name for name in sorted(names)]
