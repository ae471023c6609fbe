"""What a run has left in the bucket: its metrics, and the model that it exported."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration import names
from bionemo_eks.jobs.places import FSX
from ops.aws import Deployment
from ops.reasons import reason

Metrics = list[dict[str, float]]
_BLOCK = 8 << 20


class NotThereError(RuntimeError):
    """The bucket does not hold what is asked for; the text says why, and what to do."""


class Run:
    """The run that a deployment's settings describe, as the bucket has it."""

    def __init__(self, deployment: Deployment) -> None:
        settings = deployment.settings
        self._workload = settings.workload
        self._deployment = deployment
        self._s3 = deployment.aws.client("s3")
        self.bucket = names.bucket_name(settings, deployment.account)
        # A folder of the file system has in the bucket the name that it has there.
        self.prefix = self._workload.program.results(settings).removeprefix(f"{FSX}/") + "/"

    def metrics(self) -> Metrics:
        """Return the lines of the run's metrics; NotThereError without any."""
        key = self._key(self._workload.metrics, "metrics file")
        found = []
        for line in self._read(key).splitlines():
            try:
                values = json.loads(line)
                values["step"]
            except (ValueError, KeyError, TypeError):
                continue
            found.append(values)
        if not found:
            raise NotThereError(f"s3://{self.bucket}/{key} holds no step yet.")
        return found

    def get_model(self, folder: Path, say: Callable[[str], None]) -> None:
        """Bring the exported model into `folder`, which is new; it is whole or not there.

        Raises NotThereError when it is not in the bucket with all of its files, and OSError.
        """
        prefix = self._key(self._workload.model, "model folder") + "/"
        listed = json.loads(self._read(prefix + self._workload.model_list))
        sizes = {str(name): int(size) for name, size in listed["files"].items()}
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".model-") as scratch:
            draft = Path(scratch) / folder.name
            draft.mkdir()
            for name in (*sizes, self._workload.model_list):
                say(f"s3://{self.bucket}/{prefix}{name}")
                path = draft / Path(name).name
                self._save(prefix + name, path)
                if path.stat().st_size != sizes.get(name, path.stat().st_size):
                    raise NotThereError(
                        f"s3://{self.bucket}/{prefix}{name} has not its whole {sizes[name]:,} "
                        "bytes: it is on its way to the bucket. Try again in some minutes."
                    )
            os.rename(draft, folder)

    def _key(self, name: str, what: str) -> str:
        if not name:
            raise NotThereError(
                f"{self._workload.title} leaves no {what}. ESM-2 does: -c training.workload=esm2"
            )
        return self.prefix + name

    def _read(self, key: str) -> bytes:
        content: bytes = self._object(key)["Body"].read()
        return content

    def _save(self, key: str, path: Path) -> None:
        body = self._object(key)["Body"]
        with path.open("wb") as file:
            while block := body.read(_BLOCK):
                file.write(block)

    def _object(self, key: str) -> Any:
        try:
            return self._s3.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                raise NotThereError(
                    f"s3://{self.bucket}/{key} is not there. ./bionemo status says how far the "
                    "training is; another run's has other settings (-c training.experiment=…)."
                ) from None
            raise NotThereError(f"s3://{self.bucket}/{key}: {reason(error)}") from None
        except BotoCoreError as error:
            raise NotThereError(f"s3://{self.bucket}/{key}: {reason(error)}") from None
