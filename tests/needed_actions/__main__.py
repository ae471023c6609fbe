"""Write the list of the actions that a deployment needs: `python -m tests.needed_actions`."""

from __future__ import annotations

from ops.preflight.permissions import NEEDED, needed_actions
from tests.needed_actions.generation import write

write()
print(f"{NEEDED.name} written; {len(set(needed_actions()))} actions.")
