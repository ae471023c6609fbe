"""The model card of an exported model."""

from __future__ import annotations

from typing import Any

_TEMPLATE = """---
library_name: transformers
tags: [esm, protein, fill-mask]
---
# ESM-2, {parameters:,} parameters

Trained by workloads/esm2 of BioNeMo on EKS: {steps:,} steps, {tokens:,} tokens.

    from transformers import AutoTokenizer, EsmForMaskedLM
    tokenizer = AutoTokenizer.from_pretrained("FOLDER")
    model = EsmForMaskedLM.from_pretrained("FOLDER")

The contact head has not been trained: its weights are zero.

## Results
{results}
Perplexity and accuracy are of `<mask>` positions only, on sequences that it was not trained on.

## Data set
The manifest's SHA-256 is {data}. Source: {source}.

## Settings
{settings}
"""


def card(
    parameters: int,
    steps: int,
    tokens: int,
    data: str,
    source: Any,
    results: dict[str, float],
    settings: dict[str, Any],
) -> str:
    """The text of README.md.

    `data`: the manifest's hash; `source`: what it says of the source.
    """

    def table(values: dict[str, Any]) -> str:
        rows = "".join(f"| {name} | {value} |\n" for name, value in values.items())
        return f"| | |\n|---|---|\n{rows}"

    return _TEMPLATE.format(
        parameters=parameters,
        steps=steps,
        tokens=tokens,
        data=data,
        source=source.get("url", "unknown") if isinstance(source, dict) else "unknown",
        results=table(results),
        settings=table(settings),
    )
