"""Embeddings as a table, if pyarrow is installed."""

from __future__ import annotations

from pathlib import Path

EMBEDDINGS, IDS, PARQUET = "embeddings.npy", "ids.txt", "embeddings.parquet"


def write_parquet(folder: Path) -> Path | None:
    """Write the folder's embeddings as columns `id` and `embedding` (float32, fixed length).

    None without pyarrow and NumPy.
    """
    try:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return None
    vectors = np.load(folder / EMBEDDINGS)
    ids = (folder / IDS).read_text(encoding="utf-8").splitlines()
    flat = pa.array(vectors.reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    path = folder / PARQUET
    pq.write_table(pa.table({"id": ids, "embedding": column}), path)
    return path
