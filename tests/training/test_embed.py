"""Embeddings against those of `transformers`, and the curve's file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import curve
import embed
from architecture import Architecture
from exchange import write_model
from model import Esm2

SEQUENCES = {
    "a": "MKTAYIAKQR",
    "sp|P1|B": "ACDEFGHIKLMNPQRSTVWYXBUZO",
    "long": "LAGV" * 40,
    "d": "mkt",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model whose weights are large enough to matter."""
    folder = tmp_path_factory.mktemp("model")
    size = Architecture(2, 32, 4, 64)
    made = Esm2(size)
    made.initialize(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    write_model(folder, made.state_dict(), size)
    return folder


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fasta") / "some.fasta"
    path.write_text("".join(f">{name} more\n{s[:9]}\n{s[9:]}\n" for name, s in SEQUENCES.items()))
    return path


def expected(folder: Path, sequence: str) -> np.ndarray:
    """The mean of the last layer's representations over the letters, from `transformers`."""
    model = transformers.EsmModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        found = model(**tokenizer(sequence, return_tensors="pt")).last_hidden_state[0, 1:-1]
    return found.mean(0).numpy()


@pytest.mark.parametrize("at_once", ["16", "4096"])
def test_embeddings_are_those_of_transformers(
    at_once: str, model: Path, fasta: Path, tmp_path: Path
) -> None:
    options = ["--model", str(model), "--fasta", str(fasta), "--out", str(tmp_path)]
    assert embed.main([*options, "--device", "cpu", "--tokens-at-once", at_once]) == 0
    found = np.load(tmp_path / "embeddings.npy")
    assert (tmp_path / "ids.txt").read_text().splitlines() == list(SEQUENCES)
    assert found.dtype == np.float32
    for vector, sequence in zip(found, SEQUENCES.values(), strict=True):
        np.testing.assert_allclose(vector, expected(model, sequence.upper()), atol=2e-5)
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_a_long_sequence_is_cropped_and_reported(
    model: Path, fasta: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(model), "--fasta", str(fasta), "--out", str(tmp_path)]
    assert embed.main([*options, "--device", "cpu", "--max-tokens", "32"]) == 0
    assert "1 of them are cropped to their first 32 tokens" in capsys.readouterr().out
    vector = np.load(tmp_path / "embeddings.npy")[2]
    np.testing.assert_allclose(vector, expected(model, SEQUENCES["long"][:30]), atol=2e-5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no sequence"),
        ("ACD\n", "does not begin with a header"),
        (">a\n>b\nAC\n", "the record a has no letters"),
        (">\nAC\n", "a record has no name"),
    ],
)
def test_input_that_is_not_fasta_is_reported(
    text: str, says: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.fasta"
    path.write_text(text)
    options = ["--model", str(model), "--fasta", str(path), "--out", str(tmp_path / "out")]
    assert embed.main([*options, "--device", "cpu"]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_model_is_reported_with_this_programs_option(
    fasta: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tmp_path), "--fasta", str(fasta), "--out", str(tmp_path)]
    assert embed.main(options) == 2
    assert f"--model {tmp_path}: no model there" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_curve_of_an_interrupted_run_is_drawn(suffix: str, tmp_path: Path) -> None:
    metrics = [
        {"step": 10, "loss": 2.9, "tokens_per_second_per_gpu": 900.0},
        {"step": 20, "loss": 2.8, "tokens_per_second_per_gpu": 950.0},
        {"step": 20, "validation_loss": 2.85, "validation_accuracy": 0.1},
        {"step": 20, "test_loss": 2.84},
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in metrics) + '{"step": 3')
    assert curve.column(curve.read_metrics(path.read_text().splitlines()), "loss") == (
        [10, 20],
        [2.9, 2.8],
    )
    out = tmp_path / f"curve.{suffix}"
    assert curve.main(["--metrics", str(path), "--out", str(out)]) == 0
    assert out.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_missing_metrics_are_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "a.png")]
    assert curve.main(["--metrics", str(tmp_path / "none"), *out]) == 2
    (tmp_path / "empty").touch()
    assert curve.main(["--metrics", str(tmp_path / "empty"), *out]) == 2
    assert capsys.readouterr().err.count("error: ") == 2
