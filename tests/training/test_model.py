"""The model against `transformers`' EsmForMaskedLM: logits and gradients, packed and single."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from architecture import SIZES
from attention import Boundaries
from model import Esm2
from tests.training.published import enlarged, ours, save, sequences

LENGTHS = [30, 121, 254]
LOGITS, GRADIENTS = 5e-5, 1e-5


@pytest.fixture(scope="module", params=["8M", "35M"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(the published architecture's model, ours with its weights)."""
    architecture = SIZES[request.param]
    theirs = enlarged(architecture)
    folder = save(theirs, tmp_path_factory.mktemp("published"))
    return theirs, ours(folder, architecture)


def packed(parts: list[Tensor]) -> tuple[Tensor, Boundaries]:
    starts = [0, *itertools.accumulate(len(part) for part in parts)]
    return torch.cat(parts), Boundaries.of(starts, torch.device("cpu"))


def loss_of(logits: Tensor) -> Tensor:
    targets = torch.arange(len(logits)) % 20 + 4
    return cross_entropy(logits, targets, reduction="mean")


def gradients(model: torch.nn.Module, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def test_logits_and_gradients_are_the_published_models(pair: Any) -> None:
    theirs, model = pair
    parts = sequences(LENGTHS)
    expected = torch.cat([theirs(part[None]).logits[0] for part in parts])
    found = model(*packed(parts))
    assert float((found - expected).detach().abs().max()) <= LOGITS
    wanted = gradients(theirs, loss_of(expected))
    had = gradients(model, loss_of(found))
    assert had.keys() == wanted.keys()
    for name, gradient in wanted.items():
        off = (had[name] - gradient).abs().max() / gradient.abs().max()
        assert float(off) <= GRADIENTS or float((had[name] - gradient).abs().max()) < 1e-9, name


def test_a_pack_gives_the_same_as_its_sequences_one_by_one(pair: Any) -> None:
    _, model = pair
    parts = sequences(LENGTHS, seed=1)
    alone = torch.cat([model(*packed([part])) for part in parts])
    together = model(*packed(parts))
    assert float((together - alone).detach().abs().max()) <= LOGITS
    wanted, had = gradients(model, loss_of(alone)), gradients(model, loss_of(together))
    for name, gradient in wanted.items():
        off = (had[name] - gradient).abs().max() / gradient.abs().max()
        assert float(off) <= GRADIENTS or float((had[name] - gradient).abs().max()) < 1e-9, name


def test_places_and_recomputation_change_nothing(pair: Any) -> None:
    model = pair[1]
    row, boundaries = packed(sequences([40, 60]))
    places = torch.tensor([3, 50, 77])
    whole = model(row, boundaries)
    assert torch.allclose(model(row, boundaries, places), whole[places], atol=1e-5)
    again = Esm2(model.architecture, recompute=True)
    again.load_state_dict(model.state_dict())
    wanted = gradients(model, loss_of(whole))
    had = gradients(again, loss_of(again(row, boundaries)))
    for name, gradient in wanted.items():
        assert torch.equal(gradient, had[name]), name
