"""Loading manifests/: a file must use exactly the values that are given."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bionemo_eks.jobs.manifests import MANIFESTS, ManifestError, load, load_one


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(
        "kind: A\nname: ${name}\nlist: ${items}\nkept: '^x$'\n---\nkind: B\nn: ${number}\n"
    )
    return tmp_path


VALUES = {"name": "x", "items": ["a b", "c: d"], "number": 3}


def test_values_of_any_type_are_filled_in(root: Path) -> None:
    first, second = load("a.yaml", VALUES, root=root)
    assert first == {"kind": "A", "name": "x", "list": ["a b", "c: d"], "kept": "^x$"}
    assert second == {"kind": "B", "n": 3}


@pytest.mark.parametrize(
    ("values", "message"),
    [({"name": "x"}, "not given: ['items', 'number']"), ({**VALUES, "z": 1}, "not in the file")],
)
def test_a_missing_or_unused_value_is_refused(
    root: Path, values: dict[str, object], message: str
) -> None:
    with pytest.raises(ManifestError) as error:
        load("a.yaml", values, root=root)
    assert message in str(error.value)


def test_a_single_object_is_required(root: Path) -> None:
    with pytest.raises(ManifestError, match="holds 2 objects"):
        load_one("a.yaml", VALUES, root=root)


@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_begins_by_saying_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", ["namespace", "pytorchjob-crd"])
def test_kubectl_could_apply_the_operators_files_without_values(name: str) -> None:
    text = (MANIFESTS / "training-operator" / f"{name}.yaml").read_text()
    for item in yaml.safe_load_all(text):
        assert {"apiVersion", "kind", "metadata"} <= set(item)
