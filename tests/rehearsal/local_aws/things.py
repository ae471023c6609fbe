"""Names that the tests of the local AWS share, and how it refuses what is not there."""

from __future__ import annotations

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id

ROLE = f"arn:aws:iam::{get_account_id()}:role/service/present"
ABSENT = ROLE.replace("present", "absent")
# Of a service, and of an adapter.
REFUSALS = (ClientError, ValueError)
