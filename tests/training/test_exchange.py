"""Models exported to and imported from `transformers`."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import pytest
import safetensors.torch
import torch
from transformers import AutoTokenizer, EsmForMaskedLM
from transformers.utils import logging as transformers_logging

from architecture import SIZES, Architecture, architecture
from attention import Boundaries
from exchange import read_architecture, read_model, write_model
from failures import TrainingError
from model import Esm2
from tensors_file import read_tensors, write_tensors
from tests.training.published import enlarged, ours, save, sequences

SMALL = Architecture(2, 32, 4, 64)


@pytest.fixture
def model() -> Esm2:
    made = Esm2(SMALL)
    made.initialize(1)
    # As if started from a published one.
    made.esm.rotary_embeddings.inv_freq.mul_(1.0001)
    return made.eval()


def test_an_export_loads_without_a_warning_and_computes_the_same(
    model: Esm2, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_model(tmp_path, model.state_dict(), SMALL)
    transformers_logging.set_verbosity_info()
    transformers_logging.enable_propagation()
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded, report = EsmForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert not any(report.values()), report
    (tokens,) = sequences([50])
    row = Boundaries.of([0, len(tokens)], torch.device("cpu"))
    with torch.no_grad():
        expected = loaded.eval()(tokens[None]).logits[0]
        assert torch.allclose(model(tokens, row), expected, atol=5e-6)
    assert tokenizer("MKTX<mask>J")["input_ids"] == [0, 20, 15, 11, 24, 32, 3, 2]


def test_an_export_can_be_imported(model: Esm2, tmp_path: Path) -> None:
    write_model(tmp_path, model.state_dict(), SMALL)
    again = ours(tmp_path, read_architecture(tmp_path))
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_the_old_names_of_published_files_are_read(tmp_path: Path) -> None:
    """Frequencies per layer, unused positions, and weights in several files."""
    theirs = enlarged(SMALL)
    state = {
        name: value.contiguous()
        for name, value in theirs.state_dict().items()
        if name not in ("esm.rotary_embeddings.inv_freq", "lm_head.decoder.weight")
    }
    for layer in range(SMALL.layers):
        name = f"esm.encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"
        state[name] = theirs.esm.rotary_embeddings.inv_freq.clone()
    state["esm.embeddings.position_ids"] = torch.arange(1026)[None]
    names = sorted(state)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in parts.items():
        safetensors.torch.save_file({name: state[name] for name in part}, tmp_path / file)
    weights = {name: file for file, part in parts.items() for name in part}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    model = ours(tmp_path, SMALL)
    (tokens,) = sequences([40])
    row = Boundaries.of([0, len(tokens)], torch.device("cpu"))
    with torch.no_grad():
        assert torch.allclose(model(tokens, row), theirs(tokens[None]).logits[0], atol=5e-6)


def test_tensor_files_are_those_of_safetensors(tmp_path: Path) -> None:
    tensors = {
        "whole": torch.arange(6).reshape(2, 3),
        "half": torch.randn(5).half(),
        "brain": torch.randn(2, 2).bfloat16(),
        "none": torch.zeros(0, 3),
        "transposed": torch.randn(3, 4).T,
        "scalar": torch.tensor(2.5),
    }
    write_tensors(tmp_path / "ours", tensors)
    theirs = safetensors.torch.load_file(tmp_path / "ours")
    safetensors.torch.save_file(
        {name: value.contiguous() for name, value in tensors.items()}, tmp_path / "theirs"
    )
    mine = read_tensors(tmp_path / "theirs")
    for name, value in tensors.items():
        assert torch.equal(theirs[name], value)
        assert torch.equal(mine[name], value)
        assert mine[name].dtype == value.dtype


@pytest.mark.parametrize("cut", [0, 5, 300, -1])
def test_a_truncated_tensor_file_is_reported(model: Esm2, tmp_path: Path, cut: int) -> None:
    write_model(tmp_path, model.state_dict(), SMALL)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(TrainingError, match="cannot be read as safetensors"):
        read_model(tmp_path, Esm2(SMALL))


def test_a_folder_without_such_a_model_is_reported(model: Esm2, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--start .*: no model there"):
        read_architecture(tmp_path)
    write_model(tmp_path, model.state_dict(), SMALL)
    with pytest.raises(TrainingError, match=r"the weights do not match config\.json"):
        read_model(tmp_path, Esm2(Architecture(3, 32, 4, 64)))
    config = json.loads((tmp_path / "config.json").read_text())
    config["position_embedding_type"] = "absolute"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(TrainingError, match="says position_embedding_type absolute"):
        read_architecture(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"model\.safetensors is missing"):
        read_model(tmp_path, Esm2(SMALL))


@pytest.mark.parametrize(
    ("name", "millions"),
    # As counted by transformers for the published models, without their contact heads
    [("8M", 7.51), ("35M", 33.5), ("150M", 148.1), ("650M", 651.0), ("3B", 2838.5)],
)
def test_parameters_of_the_published_sizes(name: str, millions: float) -> None:
    assert SIZES[name].parameters / 1e6 == pytest.approx(millions, rel=2e-3)


def test_parameters_are_counted_as_they_are() -> None:
    assert sum(p.numel() for p in Esm2(SMALL).parameters()) == SMALL.parameters


@pytest.mark.parametrize("text", ["9M", "4x128x8", "4x128x0x512", "4x30x4x64", "4x12x4x64"])
def test_an_invalid_size_is_reported(text: str) -> None:
    with pytest.raises(TrainingError):
        architecture(text)


def test_a_model_written_by_transformers_is_read(tmp_path: Path) -> None:
    theirs = enlarged(SMALL)
    model = ours(save(theirs, tmp_path), SMALL)
    for name, value in theirs.state_dict().items():
        if name in model.state_dict():
            assert torch.equal(model.state_dict()[name], value), name
