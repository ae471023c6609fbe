"""The commands that pages and messages tell a user to run."""

from __future__ import annotations

# Without the first flag cdk stops for each stack that widens rights, and asks; without the second
# it does not find the bucket that an earlier deployment has left.
DEPLOY = "npx cdk deploy --all --require-approval never --import-existing-resources"
