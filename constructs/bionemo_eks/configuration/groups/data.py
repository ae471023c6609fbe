"""Settings of groups `storage` and `dataset`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bionemo_eks.configuration.addresses import wrong_with_file, wrong_with_proxy
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import Form, Group, ProxyUrl, Unproxied, unless
from bionemo_eks.configuration.inputs import FSX, S3

_UNIREF50 = "https://ftp.uniprot.org/pub/databases/uniprot/uniref/uniref50/uniref50.fasta.gz"
# The blueprint's, in records.
_SIZES_OF_UNIREF50 = {"val_size": 5000, "test_size": 1_000_000}
AUTO = "auto"


def _split_size(value: Any) -> int | float | str:
    """Accept a number of records, a share of them, or `auto`; also as text, as -c passes it."""
    if value == AUTO:
        return AUTO
    try:
        number = float("" if isinstance(value, bool) or "_" in str(value) else value)
    except (OverflowError, TypeError, ValueError):
        number = 0.0
    if number.is_integer() and 1 <= number <= 10**9:
        return int(number)
    if not 0 < number < 1:
        raise refused("must be a number of records, a share of them, or auto")
    return number


SplitSize = Annotated[
    int | float | str,
    BeforeValidator(_split_size),
    Form("auto, a number of records up to 1000000000, or a share of them such as 0.01"),
]


class StorageSettings(Group):
    """FSx for Lustre and the S3 bucket behind it."""

    capacity_gib: Annotated[int, Form("1200, or a multiple of 2400 up to 1000800")] = Field(
        default=2400,
        ge=1200,
        le=1_000_800,
        description="Size of the file system in GiB.",
    )
    throughput: Literal[125, 250, 500, 1000] = Field(
        default=500, description="Throughput in MB/s per TiB of capacity."
    )
    keep_bucket: bool = Field(
        default=True,
        description="Whether `cdk destroy` keeps the bucket with the data set and the checkpoints.",
    )
    noncurrent_version_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days to keep overwritten and deleted objects in the bucket.",
    )
    noncurrent_checkpoint_days: int = Field(
        default=1,
        ge=1,
        le=3650,
        description="The same for objects in the results folders: a training replaces its newest "
        "checkpoint all the time, by default every 500 steps.",
    )

    @field_validator("capacity_gib")
    @classmethod
    def _is_a_size(cls, value: int) -> int:
        # https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html
        if value != 1200 and value % 2400:
            raise refused("not one of the allowed values")
        return value


class DatasetSettings(Group):
    """The UniRef50 data Job."""

    enabled: bool = Field(
        default=True,
        description="Whether the data Job prepares a data set, with or without a training. False: "
        "the training uses the one on /fsx, and does not start without it.",
    )
    preparation: Literal["streaming", "bionemo"] = Field(
        default="streaming",
        description="`streaming`: this project's program, same output, half an hour. `bionemo`: "
        "the container's own program, as in the 2024 blueprint, 50 to 60 hours.",
    )
    url: Annotated[
        str,
        Form(
            f"a file: an HTTP or HTTPS URL without user and password, {S3}bucket/key, or a path "
            f"below {FSX}; no spaces, quotes or $",
            may_hold_password=True,
        ),
    ] = Field(
        default=_UNIREF50,
        description="The FASTA file to prepare, plain or gzipped (`streaming` only): see [your own "
        "sequences](data.md).",
    )
    connections: int = Field(
        default=4, ge=1, le=16, description="Parallel connections to the server (`streaming` only)."
    )
    http_proxy: ProxyUrl = Field(default="", description="Proxy for the data Job's HTTP downloads.")
    https_proxy: ProxyUrl = Field(default="", description="The same for HTTPS.")
    no_proxy: list[Unproxied] = Field(
        default=[], description="Hosts, besides itself, that the data Job reaches without a proxy."
    )
    val_size: SplitSize = Field(
        default=AUTO,
        description="Records for validation. `auto`: 5000 for UniRef50; for another file 1 %, at "
        "most 5000, and at least as many as a step's batch or the CSV files need.",
    )
    test_size: SplitSize = Field(
        default=AUTO,
        description="Records for the test. `auto`: 1000000 for UniRef50; for another file 2 %, at "
        "most 1000000, and at least as many as a step's batch or the CSV files need.",
    )
    num_csv_files: int = Field(
        default=50, ge=1, le=1000, description="Number of CSV files per split."
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Seed of the shuffle.")

    replace: bool = Field(
        default=False,
        description="Whether a complete data set made with other parameters may be replaced.",
    )

    @field_validator("url")
    @classmethod
    def _is_a_files_address(cls, value: str) -> str:
        return unless(wrong_with_file(value), value)

    @field_validator("http_proxy", "https_proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        return unless(wrong_with_proxy(value), value) if value else value

    @model_validator(mode="after")
    def _bionemo_has_its_own_download(self) -> Self:
        for name, value in (("url", self.url), ("connections", self.connections)):
            if self.preparation == "bionemo" and value != type(self).model_fields[name].default:
                raise refused(
                    f"{name} works with preparation `streaming` only; `bionemo` has its own "
                    "download",
                    "preparation",
                    name,
                )
        for name, size in self.sizes.items():
            if self.preparation == "bionemo" and not isinstance(size, int):
                raise refused(
                    f"{name} {size} is a share, but `bionemo` needs a number of records",
                    "preparation",
                    name,
                )
        return self

    @property
    def is_own_file(self) -> bool:
        """Whether the file is read from S3 or the file system, rather than downloaded."""
        return self.url.startswith((S3, "/"))

    @property
    def sizes(self) -> dict[str, int | float | str]:
        """Records or shares for validation and test, `auto` where the data Job derives them."""
        given = {"val_size": self.val_size, "test_size": self.test_size}
        usual = _SIZES_OF_UNIREF50 if self.url == _UNIREF50 else {}
        return {
            name: usual.get(name, size) if size == AUTO else size for name, size in given.items()
        }
