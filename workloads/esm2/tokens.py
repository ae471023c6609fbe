"""ESM-2's tokens."""

from __future__ import annotations

# In the order of the published models:
# https://huggingface.co/facebook/esm2_t33_650M_UR50D/raw/main/vocab.txt
TOKENS = (
    *("<cls>", "<pad>", "<eos>", "<unk>"),
    *"LAGVSERTIDPKQNFYMHWC",
    *("X", "B", "U", "Z", "O", ".", "-", "<null_1>", "<mask>"),
)
CLS, PAD, EOS, UNK, MASK = (
    TOKENS.index(name) for name in ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>")
)
