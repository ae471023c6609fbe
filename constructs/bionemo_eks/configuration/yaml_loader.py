"""YAML as it is read everywhere here: with libyaml where PyYAML was built with it."""

from __future__ import annotations

from typing import Any

import yaml

# Ten times as fast; a synthesis spends half its time on YAML otherwise.
# https://pyyaml.org/wiki/PyYAMLDocumentation
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
