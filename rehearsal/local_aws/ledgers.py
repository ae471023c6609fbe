"""Where the local AWS writes the ledgers of its clusters, one file per cluster."""

from __future__ import annotations

from pathlib import Path

# Environment variable of the emulator: the folder.
LEDGERS = "REHEARSAL_LEDGERS"
# Its name in the rehearsal's working folder.
LEDGER_FOLDER = "ledgers"


def ledger_path(folder: Path, cluster_name: str) -> Path:
    """Return the file of a cluster's ledger."""
    return folder / f"{cluster_name}.json"
