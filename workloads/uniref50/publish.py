"""Publishes a complete data set under its final names, with its manifest."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from durable import read_json, write_json
from folders import sync_folder
from layout import FINAL_MODE, SPLITS, Split, Wanted
from line_index import index_path
from problems import PreparationError, ScratchError, about
from segments import Found
from source import Facts, Source
from worker import Finished

MANIFEST = "_SUCCESS"
TRAININGS_OWN = ("*.idx.npy", "*.idx.info", "*_indexmap_*.npy")
_OURS = re.compile(r"x\d{3,}\.csv(\.index)?")


class OtherDataSetError(PreparationError):
    """A complete data set with other parameters exists and must not be lost."""


def _forget_indexes(processed: Path) -> None:
    """Remove the training's indexes of the old files: it would use them for the new ones.

    Indexes of lines are next to the files or, with `index_mapping_dir`, below that folder by the
    files' full paths; sample maps are in that folder, under names that do not identify the data.
    https://github.com/NVIDIA/NeMo/blob/v1.23.0/nemo/collections/nlp/data/language_modeling/text_memmap_dataset.py
    """
    for pattern in TRAININGS_OWN:
        for path in [*processed.rglob(pattern)]:
            path.unlink()


def _announce(path: Path) -> None:
    """Make FSx export a file that was moved here from outside the association with S3.

    The export of a move into it is not documented. That of a change of permissions and times is
    (https://docs.aws.amazon.com/fsx/latest/LustreGuide/autoexport-data-repo-dra.html: Changed).
    Both, because Lustre's changelog gets no second record of times for a file that has one
    already, but always one of permissions (mdd_changelog_data_store in lustre/mdd/mdd_object.c).
    """
    path.chmod(FINAL_MODE)
    os.utime(path)


def _asked_for(wanted: Wanted, source: Source, records: int) -> dict[str, Any]:
    """What the manifest of the requested data set says, given its number of records.

    Sizes that are not set match any.
    """
    found: dict[str, Any] = {
        "preparation": "streaming",
        **wanted.sizes(records),
        "num_csv_files": wanted.num_csv_files,
        "seed": wanted.seed,
        "url": source.url,
    }
    if "size" in source.identity:
        found["size"] = source.identity["size"]
    return found


def _flat(manifest: dict[str, Any]) -> dict[str, Any]:
    source = manifest.get("source")
    return {**manifest, **(source if isinstance(source, dict) else {})}


def complete(processed: Path, wanted: Wanted, source: Source) -> dict[str, Any] | None:
    """The manifest of the requested data set, if it exists with all of its files.

    Raises:
        OtherDataSetError: a complete one with other parameters exists.
    """
    path = processed / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = read_json(path)
    except OSError as error:
        error.filename = str(path)
        raise
    flat = _flat(manifest or {})
    records = flat.get("records")
    asked = _asked_for(wanted, source, records if isinstance(records, int) else 0)
    differences = [
        f"{key} is {json.dumps(flat.get(key))}, requested is {json.dumps(value)}"
        for key, value in asked.items()
        if flat.get(key) != value
    ]
    if not differences and not source.is_of(flat):
        differences = ["the source has changed"]
    if manifest is None or differences:
        reason = "; ".join(differences) if manifest else "it is not a JSON object"
        raise OtherDataSetError(
            f"{path} describes another data set: {reason}. To replace it, pass "
            "--replace (in cdk.json: dataset.replace); otherwise choose another --root."
        )
    missing = [
        file["path"]
        for file in manifest.get("files", [])
        if file_size(processed / file["path"]) != file["bytes"]
    ]
    if missing:
        print(
            f"warning: {path} exists, but {len(missing)} of its files are missing or damaged "
            f"({missing[0]}): recreating them",
            flush=True,
        )
        return None
    return manifest


def file_size(path: Path) -> int:
    """Bytes of a file; -1 if there is none."""
    return path.stat().st_size if path.is_file() else -1


def publish(unpublished: Path, processed: Path, files: list[Finished]) -> None:
    """Move `files` from `unpublished` to `processed`; those already there stay.

    Each has its index next to it. Files of another data set are removed: those with the same names,
    and other xNNN.csv of the splits, with their indexes.

    Raises:
        ScratchError: a file is neither here nor there as it was written.
    """
    with about(processed):
        (processed / MANIFEST).unlink(missing_ok=True)
        _forget_indexes(processed)
        outputs = [Path(file.path) for file in files]
        names = {str(path) for each in outputs for path in (each, index_path(each))}
        for split in SPLITS:
            (processed / split).mkdir(exist_ok=True)
            for old in (processed / split).iterdir():
                if _OURS.fullmatch(old.name) and f"{split}/{old.name}" not in names:
                    old.unlink()
        for name in sorted(names):
            if (unpublished / name).exists():
                os.replace(unpublished / name, processed / name)
        for file in files:
            if file_size(processed / file.path) != file.bytes:
                raise ScratchError(f"{processed / file.path}: not as it was written")
        for name in names:
            # The training recreates a missing index.
            if (processed / name).exists():
                _announce(processed / name)
        for split in SPLITS:
            sync_folder(processed / split)
        sync_folder(processed)


def manifest_of(
    version: str, split: Split, source: Facts, found: Found, files: list[Finished]
) -> dict[str, Any]:
    """The manifest of a data set, which users and later runs read."""
    counts = {
        name: sum(file.rows for file in files if file.path.startswith(f"{name}/"))
        for name in SPLITS
    }
    return {
        "program_version": version,
        "preparation": "streaming",
        "source": source.as_json(),
        **asdict(split),
        "records": sum(counts.values()),
        "counts": counts,
        "records_cut_short": found.cut_short,
        "residues": found.residues,
        "no_amino_acids": found.strange,
        "files": [asdict(file) for file in files],
    }


def write_manifest(processed: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, last: from here on the data set is complete."""
    write_json(processed / MANIFEST, manifest)
