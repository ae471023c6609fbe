"""The double of Transformer Engine against the sources of the image's version."""

from __future__ import annotations

import ast
from importlib.metadata import distribution
from pathlib import Path

import pytest

DOUBLE = Path(__file__).parent / "doubles" / "transformer_engine"
REAL = Path(str(distribution("transformer-engine").locate_file("transformer_engine")))


def definitions(path: Path) -> dict[str, ast.AST]:
    """Functions and classes by name, methods as Class.method."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            found |= {f"{node.name}.{each.name}": each for each in methods}
    return found


def arguments(node: ast.AST) -> list[tuple[str, str]]:
    """Names and defaults, in order."""
    assert isinstance(node, ast.FunctionDef)
    names = [each.arg for each in node.args.args]
    defaults = [ast.unparse(each) for each in node.args.defaults]
    return [*zip(names, [""] * (len(names) - len(defaults)) + defaults, strict=True)]


@pytest.mark.parametrize(
    ("ours", "file", "theirs"),
    [
        ("Linear.__init__", "pytorch/module/linear.py", "Linear.__init__"),
        ("Linear.forward", "pytorch/module/linear.py", "Linear.forward"),
        (
            *("Linear.register_parameter", "pytorch/module/base.py"),
            "TransformerEngineBaseModule.register_parameter",
        ),
        *(
            (f"Linear.{name}", "pytorch/module/base.py", f"TransformerEngineBaseModule.{name}")
            for name in ("get_extra_state", "set_extra_state")
        ),
        *(
            (name, "pytorch/quantization.py", name)
            for name in ("autocast.__init__", "is_fp8_available", "is_mxfp8_available")
        ),
    ],
)
def test_signatures_are_the_real_ones(ours: str, file: str, theirs: str) -> None:
    found = arguments(definitions(DOUBLE / "pytorch.py")[ours])
    real = arguments(definitions(REAL / file)[theirs])
    # Further parameters of the real Linear, all with defaults, are not used.
    assert found == real[: len(found)]
    assert len(found) == len(real) or ours == "Linear.__init__"


def test_recipes_are_the_real_ones() -> None:
    ours = {*definitions(DOUBLE / "common" / "recipe.py")}
    real = definitions(REAL / "common/recipe/__init__.py")
    assert ours < {*real}
    for name in ours - {"Recipe"}:
        node = real[name]
        assert isinstance(node, ast.ClassDef)
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        assert all(each.value is not None for each in fields), "all have defaults"


def test_only_delayed_scaling_has_state_and_the_limits_are_those_assumed() -> None:
    text = (REAL / "pytorch/quantization.py").read_text()
    for name in ("Per-tensor current quantization", "MXFP8 quantization"):
        assert f"{name} does not require state." in text
    real = definitions(REAL / "pytorch/quantization.py")
    support = ast.unparse(real["_compute_fp8_support"])
    assert "get_device_compute_capability() < (8, 9)" in support
    support = ast.unparse(real["_compute_mxfp8_support"])
    assert "get_device_compute_capability() >= (12, 0)" in support
    assert "get_device_compute_capability() >= (10, 0)" in support
    sizes = ast.unparse(real["get_align_size_for_quantization"])
    assert "recipe.mxfp8():\n        return 32" in sizes
    assert sizes.endswith("return 16")
    extra = ast.unparse(
        definitions(REAL / "pytorch/module/base.py")["TransformerEngineBaseModule.get_extra_state"]
    )
    assert extra.count("_has_delayed_scaling_state") == 1
