"""The tag by which a deployment's resources are found, and which other tags are allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bionemo_eks.configuration.errors import refused

# On everything that CDK tags, to tell this project's leftovers from other projects' resources.
DEPLOYMENT_TAG = "bionemo-on-eks/deployment"


def refuse_reserved(tags: Mapping[str, str]) -> None:
    """Raise if a tag is AWS's or the project's own, or is given twice."""
    for key in tags:
        if re.match(r"aws:", key, re.IGNORECASE):
            raise refused(f"'{key}': AWS reserves tag keys that begin with aws:")
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
        if [each.lower() for each in tags].count(key.lower()) > 1:
            raise refused(f"'{key}' is given twice in different case, which is one key to IAM")
        if key == DEPLOYMENT_TAG:
            raise refused(f"'{key}' is the project's own tag, by which it finds its resources")
