"""What a run has left in the bucket: metrics, the exported model, other files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration import names
from bionemo_eks.jobs.places import FSX
from ops.aws import Deployment
from ops.reasons import code_of, reason

Metrics = list[dict[str, float]]
_BLOCK = 8 << 20


class UnavailableError(RuntimeError):
    """What a command needs is missing or unusable; the message says why, and what to do."""


class Run:
    """The run that a deployment's settings describe, in the bucket."""

    def __init__(self, deployment: Deployment) -> None:
        settings = deployment.settings
        self.workload = settings.workload
        self._deployment = deployment
        self._s3 = deployment.aws.client("s3")
        self.bucket = names.bucket_name(settings, deployment.account)
        # Folders have the same names in the bucket as on the file system.
        self.prefix = self.workload.program.results(settings).removeprefix(f"{FSX}/") + "/"

    def metrics(self) -> Metrics:
        """Return the lines of the run's metrics; UnavailableError without any."""
        key = self._key(self.workload.metrics, "metrics file")
        found = []
        for line in self.read(key).splitlines():
            try:
                values = json.loads(line)
                values["step"]
            except (ValueError, KeyError, TypeError):
                continue
            found.append(values)
        if not found:
            raise UnavailableError(f"s3://{self.bucket}/{key} contains no step yet.")
        return found

    def get_model(self, folder: Path, say: Callable[[str], None]) -> None:
        """Download the exported model to `folder`, which is new: completely or not at all.

        Raises UnavailableError if the bucket does not have all of its files, and OSError.
        """
        prefix = self._key(self.workload.model, "model folder") + "/"
        listed = json.loads(self.read(prefix + self.workload.model_list))
        sizes = {str(name): int(size) for name, size in listed["files"].items()}
        files: dict[str, int | None] = {prefix + name: size for name, size in sizes.items()}
        files[prefix + self.workload.model_list] = None
        self.get_files(files, prefix, folder, say)

    def get_files(
        self,
        files: Mapping[str, int | None],
        prefix: str,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        """Download `files`, bytes by key, all below `prefix`, to `folder`, which is new.

        Completely or not at all. Raises UnavailableError if one has the wrong size, and OSError.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bionemo-") as scratch:
            draft = Path(scratch) / folder.name
            draft.mkdir()
            for key, size in files.items():
                say(f"s3://{self.bucket}/{key}")
                path = draft / Path(key.removeprefix(prefix)).name
                self._save(key, path)
                if size is not None and path.stat().st_size != size:
                    raise UnavailableError(
                        f"s3://{self.bucket}/{key} does not have all its {size:,} bytes: it is on "
                        "its way to the bucket. Try again in a few minutes."
                    )
            os.rename(draft, folder)

    def _key(self, name: str, what: str) -> str:
        if not name:
            raise UnavailableError(
                f"{self.workload.title} writes no {what}. ESM-2 does: -c training.workload=esm2"
            )
        return self.prefix + name

    def listed(self) -> list[dict[str, Any]]:
        """Return the run's objects in S3; empty without a bucket. UnavailableError, as below."""
        try:
            return self._deployment.aws.pages(
                "s3", "list_objects_v2", "Contents", Bucket=self.bucket, Prefix=self.prefix
            )
        except (ClientError, BotoCoreError) as error:
            if code_of(error) == "NoSuchBucket":
                return []
            raise UnavailableError(f"s3://{self.bucket}/{self.prefix}: {reason(error)}") from None

    def read(self, key: str, part: str = "") -> bytes:
        """Return an object's content, or `part` of it, in the form of an HTTP Range."""
        content: bytes = self._object(key, **({"Range": part} if part else {}))["Body"].read()
        return content

    def _save(self, key: str, path: Path) -> None:
        body = self._object(key)["Body"]
        with path.open("wb") as file:
            while block := body.read(_BLOCK):
                file.write(block)

    def _object(self, key: str, **more: str) -> Any:
        try:
            return self._s3.get_object(Bucket=self.bucket, Key=key, **more)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in ("NoSuchKey", "NoSuchBucket"):
                raise UnavailableError(
                    f"s3://{self.bucket}/{key} does not exist. ./bionemo status shows the "
                    "training's progress. For another run, give its settings "
                    "(-c training.experiment=…)."
                ) from None
            raise UnavailableError(f"s3://{self.bucket}/{key}: {reason(error)}") from None
