"""fp8 with a double of Transformer Engine: which layers, which state, which refusals, training."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import EsmForMaskedLM

import fp8
from architecture import Architecture
from attention import Boundaries
from bench.esm2_runs import TINY, losses, train
from exchange import read_model, write_model
from failures import TrainingError
from model import Esm2
from tests.training.doubled import ON_CPU, importable

SMALL = Architecture(2, 32, 4, 64)
CPU = torch.device("cpu")
STEPS = 24


@pytest.fixture
def engine() -> Iterator[Any]:
    with importable() as found:
        yield found


def made(recompute: bool = False) -> Esm2:
    model = Esm2(SMALL, recompute)
    model.initialize(1)
    return model


def converted(recompute: bool = False) -> Esm2:
    model = made(recompute)
    fp8.convert(model)
    return model


def logits(model: Esm2) -> Tensor:
    tokens = torch.randint(4, 24, (64,), generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        found: Tensor = model(tokens, Boundaries.of([0, 24, 64], CPU))
    return found


def gradients(model: Esm2) -> dict[str, Tensor | None]:
    nn.functional.cross_entropy(logits(model).float(), torch.arange(64) % 33).backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def test_the_layers_linear_parts_are_replaced_and_nothing_else(engine: Any) -> None:
    model = made()
    before, kept = dict(model.named_parameters()), copy.deepcopy(model.state_dict())
    assert fp8.convert(model) == "Float8CurrentScaling"
    replaced = [name for name, part in model.named_modules() if isinstance(part, engine.Linear)]
    assert replaced == [
        f"esm.encoder.layer.{layer}.{name}"
        for layer in range(SMALL.layers)
        for name in (
            *("attention.self.query", "attention.self.key", "attention.self.value"),
            *("attention.output.dense", "intermediate.dense", "output.dense"),
        )
    ]
    assert isinstance(model.lm_head.dense, nn.Linear)
    # The optimizer's groups and DDP's buckets follow this order.
    after = dict(model.named_parameters())
    assert [*after] == [*before]
    assert all(after[name] is before[name] for name in before)
    gradients(model)
    state = model.state_dict()
    assert [*state] == [*kept], "no state of Transformer Engine's own"
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    assert engine.Linear(16, 16, device="cpu").state_dict().keys() == {
        *("weight", "bias", "_extra_state")
    }


@pytest.mark.parametrize(
    ("capability", "recipe"),
    [
        *(((8, 9), "Float8CurrentScaling"), ((9, 0), "Float8CurrentScaling")),
        *(((10, 0), "MXFP8BlockScaling"), ((10, 3), "MXFP8BlockScaling")),
        ((12, 0), "Float8CurrentScaling"),
    ],
)
def test_the_recipe_has_no_state_and_follows_the_gpu(
    engine: Any, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], recipe: str
) -> None:
    monkeypatch.setattr(engine, "capability", capability)
    model = made()
    assert fp8.convert(model) == recipe
    gradients(model)
    assert engine.products == [recipe] * 6 * SMALL.layers


def test_training_is_near_bf16_and_evaluation_is_bf16(engine: Any) -> None:
    plain, model = made(), converted()
    near, wanted = logits(model), logits(plain)
    assert 0 < float((near - wanted).detach().norm() / wanted.detach().norm()) < 0.1
    assert len(engine.products) == 6 * SMALL.layers
    assert torch.equal(logits(model.eval()), logits(plain.eval()))
    assert len(engine.products) == 6 * SMALL.layers, "the evaluation had none"


def test_recomputed_activations_are_in_fp8_too(engine: Any) -> None:
    wanted = gradients(converted())
    engine.products.clear()
    had = gradients(converted(recompute=True))
    assert engine.products == ["Float8CurrentScaling"] * 2 * 6 * SMALL.layers
    for name, gradient in wanted.items():
        assert gradient is None or torch.equal(gradient, had[name]), name  # type: ignore[arg-type]


def test_compiled_layers_of_a_model_share_their_graphs(engine: Any) -> None:
    """More layers must not reach PyTorch's limit of recompilations."""
    from torch._dynamo.utils import counters

    graphs = []
    for layers in (2, 6):
        torch.compiler.reset()
        counters.clear()
        model = Esm2(Architecture(layers, 32, 4, 64))
        model.initialize(1)
        fp8.convert(model)
        for layer in model.esm.encoder.layer:
            layer.compile(backend="eager")
        gradients(model)
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] == graphs[1] > 1
    assert set(engine.products) == {"Float8CurrentScaling"}


def test_an_export_loads_in_transformers_and_back(engine: Any, tmp_path: Path) -> None:
    model = converted()
    gradients(model)
    write_model(tmp_path, model.state_dict(), SMALL)
    loaded, report = EsmForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    tokens = torch.tensor([0, 20, 15, 11, 24, 2])
    with torch.no_grad():
        found = model.eval()(tokens, Boundaries.of([0, 6], CPU))
        assert torch.allclose(found, loaded.eval()(tokens[None]).logits[0], atol=5e-6)
    again = converted()
    read_model(tmp_path, again)
    assert all(
        torch.equal(value, model.state_dict()[name]) for name, value in again.state_dict().items()
    )


def on_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], name: str) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)


@pytest.mark.parametrize(
    ("device", "capability", "size", "unit_tokens", "words"),
    [
        ("cpu", (0, 0), SMALL, 256, "on a CPU: it needs a GPU of sm89 or later"),
        ("cuda", (8, 0), SMALL, 256, r"on Some GPU \(sm80\): it needs sm89 or later"),
        ("cuda", (9, 0), SMALL, 1000, r"1000 tokens per unit: choose multiples of 32 \(--unit-tok"),
        ("cuda", (9, 0), Architecture(2, 40, 4, 64), 256, r"hidden size of 40 .*\(--size\)"),
        ("cuda", (9, 0), Architecture(2, 32, 4, 72), 256, r"feed-forward layer of 72: .*\(--size"),
    ],
)
def test_what_cannot_be_trained_in_fp8_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    capability: tuple[int, int],
    size: Architecture,
    unit_tokens: int,
    words: str,
) -> None:
    on_gpu(monkeypatch, capability, "Some GPU")
    with pytest.raises(TrainingError, match=words) as refused:
        fp8.check(torch.device(device), size, unit_tokens)
    assert str(refused.value).startswith("--precision fp8 is not allowed")


def test_an_image_without_transformer_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu(monkeypatch, (9, 0), "H100")
    monkeypatch.setitem(sys.modules, "transformer_engine", None)
    with pytest.raises(TrainingError, match=r"Engine cannot be imported \(.*Choose bf16"):
        fp8.check(torch.device("cuda"), SMALL, 256)


def test_transformer_engines_own_refusal_is_passed_on(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_gpu(monkeypatch, (9, 0), "H100")
    fp8.check(torch.device("cuda"), SMALL, 256)
    monkeypatch.setattr(engine, "capability", (8, 0))
    with pytest.raises(TrainingError, match=r"Device compute capability 8\.9 or higher required"):
        fp8.check(torch.device("cuda"), SMALL, 256)


def options(data: Path, results: Path, precision: str, *more: Any) -> list[Any]:
    return [
        *("--data", data, "--results", results, *TINY, "--steps", STEPS, "--save-every", 7),
        *("--validate-every", STEPS, "--precision", precision, *more),
    ]


# The process ends without a word: after the checkpoints of steps 7 and 14 have been started.
KILLED = """
import os, loop
def take(self, step):
    return os._exit(9) if step == 16 else whole_take(self, step)
whole_take, loop.Loader.take = loop.Loader.take, take
"""


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    """Losses in bf16."""
    results = tmp_path_factory.mktemp("bf16")
    assert train(1, options(data, results, "bf16"), results / "log") == [0]
    return losses(results)


def alike(found: dict[int, float], wanted: dict[int, float]) -> bool:
    return found.keys() == wanted.keys() and all(
        abs(found[step] - loss) < 0.02 for step, loss in wanted.items()
    )


@pytest.mark.parametrize("more", [("--parallel", "ddp"), ("--parallel", "fsdp", "--recompute")])
def test_two_processes_learn_as_in_bf16_and_resume_bit_for_bit(
    data: Path, tmp_path: Path, plain: dict[int, float], more: tuple[str, ...]
) -> None:
    whole, broken, log = tmp_path / "whole", tmp_path / "broken", tmp_path / "log"
    assert train(2, options(data, whole, "fp8", *more), log, ON_CPU) == [0, 0], log.read_text()
    found = losses(whole)
    assert found != plain
    assert alike(found, plain)
    assert found[STEPS] < found[1] - 0.15

    given = options(data, broken, "fp8", *more)
    assert train(2, given, log, ON_CPU + KILLED) == [9, 9], log.read_text()
    assert train(2, given, log, ON_CPU) == [0, 0], log.read_text()
    assert "going on after step" in log.read_text()
    assert losses(broken) == found
    weights = [
        EsmForMaskedLM.from_pretrained(each / "model").state_dict() for each in (whole, broken)
    ]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert "| precision | fp8 |" in (whole / "model" / "README.md").read_text()


@pytest.mark.parametrize(("first", "then"), [("bf16", "fp8"), ("fp8", "bf16")])
def test_a_checkpoint_resumes_in_the_other_precision(
    data: Path, tmp_path: Path, plain: dict[int, float], first: str, then: str
) -> None:
    log = tmp_path / "log"
    begun = train(1, options(data, tmp_path, first), log, ON_CPU + KILLED)
    assert begun == [9], log.read_text()
    assert train(1, options(data, tmp_path, then), log, ON_CPU) == [0], log.read_text()
    assert alike(losses(tmp_path), plain)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    said = [(line["step"] > 0, line["precision"]) for line in lines if "precision" in line]
    assert said == [(False, first), (True, then)]


def test_fp8_on_a_cpu_ends_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    results, log = tmp_path / "results", tmp_path / "log"
    assert train(2, options(data, results, "fp8"), log) == [2, 2]
    text = log.read_text()
    assert [line for line in text.splitlines() if line.startswith("error: ")] == [
        "error: --precision fp8 is not allowed on a CPU: it needs a GPU of sm89 or later; "
        "choose bf16 or fp32"
    ]
    assert "Traceback" not in text
    assert not results.exists()
