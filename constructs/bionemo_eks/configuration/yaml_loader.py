"""The YAML loader used everywhere here: libyaml's if PyYAML was built with it."""

from __future__ import annotations

from typing import Any

import yaml

# Ten times as fast; otherwise synth spends half its time on YAML.
# https://pyyaml.org/wiki/PyYAMLDocumentation
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
