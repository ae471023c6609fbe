"""The commands that the documentation and messages quote."""

from __future__ import annotations

# Without the first flag cdk asks for approval of each stack that widens permissions; without the
# second it does not adopt the bucket that an earlier deployment kept.
DEPLOY = "npx cdk deploy --all --require-approval never --import-existing-resources"
