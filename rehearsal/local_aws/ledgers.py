"""Where the local AWS leaves the ledgers of its clusters, one file a cluster."""

from __future__ import annotations

from pathlib import Path

# The folder, in the emulator's environment.
LEDGERS = "REHEARSAL_LEDGERS"
# The folder's name below the one that a rehearsal works in.
LEDGER_FOLDER = "ledgers"


def ledger_path(folder: Path, cluster_name: str) -> Path:
    """Return the file that holds a cluster's ledger."""
    return folder / f"{cluster_name}.json"
