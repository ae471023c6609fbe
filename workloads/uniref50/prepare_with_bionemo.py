"""Prepare UniRef50 with the BioNeMo container's own code, as the 2024 blueprint did.

It takes 50 to 60 hours: that code reads its records one at a time, in random order. It runs in
the container alone, where `bionemo.data` is. A marker tells a later run that the work is done.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

MARKER = "_SUCCESS"
EXIT_OTHER_PARAMETERS = 2


def main() -> int:
    """Prepare the data set below `--root`, unless it is there; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    for option in ("--val-size", "--test-size", "--num-csv-files", "--seed"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument("--replace", action="store_true")
    parameters = vars(parser.parse_args())
    root, replace = parameters.pop("root"), parameters.pop("replace")
    wanted = {"preparation": "bionemo", **parameters}
    marker = root / "processed" / MARKER
    found = _read(marker)
    if found == wanted:
        print(f"{marker}: the data set is complete; nothing to do.")
        return 0
    if found is not None and not replace:
        print(
            f"error: {marker} tells of another data set: {found}, not {wanted}. "
            "Set dataset.replace to make this one instead.",
            file=sys.stderr,
        )
        return EXIT_OTHER_PARAMETERS
    # NeMo takes any index of lines that is there, also one of the files before.
    for index in [*marker.parent.rglob("*.idx.npy"), *marker.parent.rglob("*.idx.info")]:
        index.unlink()
    marker.unlink(missing_ok=True)
    _prepare(root, parameters)
    draft = marker.with_name(f"{MARKER}.partial")
    draft.write_text(json.dumps(wanted), encoding="utf-8")
    draft.replace(marker)
    return 0


def _read(marker: Path) -> Any:
    """Return what the marker tells; None without one, its text if it is no JSON."""
    if not marker.exists():
        return None
    text = marker.read_text(encoding="utf-8", errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _prepare(root: Path, parameters: dict[str, int]) -> None:
    # Only the container has it.
    from bionemo.data import UniRef50Preprocess  # type: ignore[import-not-found,unused-ignore]

    UniRef50Preprocess(root_directory=str(root)).prepare_dataset(
        source="uniprot",
        num_csv_files=parameters["num_csv_files"],
        val_size=parameters["val_size"],
        test_size=parameters["test_size"],
        random_seed=parameters["seed"],
    )


if __name__ == "__main__":
    sys.exit(main())
