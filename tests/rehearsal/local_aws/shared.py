"""Names and errors that the tests of the local AWS share."""

from __future__ import annotations

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id

ROLE = f"arn:aws:iam::{get_account_id()}:role/service/present"
ABSENT = ROLE.replace("present", "absent")
# From a service, and from an adapter.
REFUSALS = (ClientError, ValueError)
