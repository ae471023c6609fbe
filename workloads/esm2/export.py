"""Exports the trained model as a folder that is complete or absent."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from architecture import Architecture
from card import card
from dataset import DataSet
from exchange import write_model
from parallel import Parallel
from processes import Processes
from run_files import MODEL, MODEL_LIST
from settings import Settings
from whole import publish, read_whole


def exported(folder: Path, facts: dict[str, Any]) -> bool:
    """Whether `folder` holds a complete export with these `facts`."""
    found = read_whole(folder, MODEL_LIST)
    return found is not None and all(found.get(name) == value for name, value in facts.items())


def export(
    parallel: Parallel,
    processes: Processes,
    settings: Settings,
    size: Architecture,
    data: DataSet,
    tokens: int,
    results: dict[str, float],
    facts: dict[str, Any],
) -> Path:
    """Write the model and its card below --results; return the folder. Every process calls it.

    `facts`: what distinguishes this export from others.
    """
    folder = settings.results / MODEL
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state: dict[str, Any] = get_model_state_dict(parallel.module, options=options)
    if processes.rank == 0:
        draft = settings.scratch / MODEL
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        write_model(draft, state, size)
        chosen = {
            name: value
            for name, value in dataclasses.asdict(settings).items()
            if value is not None and value != ""
        }
        text = card(
            *(size.parameters, settings.steps, tokens, data.sha256, data.manifest.get("source")),
            *(results, chosen),
        )
        (draft / "README.md").write_text(text)
        publish(draft, folder, MODEL_LIST, {**facts, "results": results})
    processes.wait()
    return folder
