"""Input files: where pods find them, and which data repository associations FSx needs for them."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.inputs import Link, file_input, inputs, links
from bionemo_eks.configuration.reader import SettingsError
from tests.context import read_settings

ESM2 = {"training.workload": "esm2", "gpu.instance_type": "g6.xlarge"}
OWN = "bionemo-on-eks-111122223333-us-west-2"


def test_a_file_in_s3_is_read_below_a_folder_of_its_prefix_only() -> None:
    """FSx never changes what a folder is linked with, and links a prefix once."""
    one = file_input("dataset.url", "s3://bucket/folder/a.fasta")
    other = file_input("dataset.url", "s3://bucket/folder/b.fasta.gz")
    elsewhere = file_input("dataset.url", "s3://bucket/another/a.fasta")
    assert one.link == other.link == Link("bucket", "folder")
    assert one.link is not None
    assert one.link.address == "s3://bucket/folder"
    assert one.awaited == [f"/fsx{one.link.folder}/a.fasta"]
    assert elsewhere.link != one.link
    assert len({each.place for each in (one, other, elsewhere)}) == 2


def test_the_folder_is_the_same_in_each_deployment() -> None:
    """A data set records its source with it: another folder would be another data set."""
    assert Link("bucket", "folder").folder == "/input/632d25f7b51b"


def test_a_file_at_the_top_of_a_bucket_links_all_of_it() -> None:
    link = file_input("dataset.url", "s3://bucket/a.fasta").link
    assert link == Link("bucket", "")
    assert link.address == "s3://bucket"


def test_what_is_on_the_file_system_needs_no_link() -> None:
    settings = read_settings(
        {**ESM2, "dataset.url": "/fsx/mine/a.fasta", "training.start": "/fsx/esm2-train/a/8M/model"}
    )
    assert links(settings) == []
    data, start = inputs(settings)
    assert data.awaited == ["/fsx/mine/a.fasta"]
    assert start.place == "/fsx/esm2-train/a/8M/model"


@pytest.mark.parametrize("url", ["https://example.org/a.fasta", ""])
def test_a_download_is_no_input(url: str) -> None:
    assert inputs(read_settings({"dataset.url": url} if url else {})) == ()


def test_one_prefix_is_linked_once() -> None:
    settings = read_settings(
        {**ESM2, "dataset.url": "s3://bbb/x/a.fasta", "training.start": "s3://bbb/x/"}
    )
    assert links(settings) == [Link("bbb", "x")]


@pytest.mark.parametrize(
    ("url", "start", "words"),
    [
        ("s3://bbb/x/a.fasta", "s3://bbb/x/model", ("dataset.url and training.start", "within")),
        ("s3://bbb/a.fasta", "s3://bbb/model", ("dataset.url and training.start", "within")),
        ("s3://bbb/x/y/a.fasta", "s3://bbb/x", ("dataset.url and training.start", "within")),
        (f"s3://{OWN}/processed/a.fasta", "", ("dataset.url", "/fsx/processed is linked already")),
        (f"s3://{OWN}/a.fasta", "", ("dataset.url", "is linked already")),
        ("", f"s3://{OWN}/esm2-train/a/8M/model", ("training.start", "/fsx/esm2-train is linked")),
    ],
)
def test_prefixes_that_fsx_would_not_link_are_refused(
    url: str, start: str, words: tuple[str, ...]
) -> None:
    given = {"dataset.url": url, "training.start": start}
    with pytest.raises(SettingsError) as refused:
        read_settings({**ESM2, **{name: each for name, each in given.items() if each}})
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("s3://bbb/xy/a.fasta", "s3://bbb/x"),
        ("s3://bbb/x/a.fasta", "s3://ccc/x/model"),
        (f"s3://{OWN}/mine/a.fasta", "s3://bbb/x"),
        ("s3://other-111122223333-us-west-2/processed/a.fasta", "s3://bbb/x"),
    ],
)
def test_prefixes_that_do_not_overlap_are_all_linked(url: str, start: str) -> None:
    settings = read_settings({**ESM2, "dataset.url": url, "training.start": start})
    data, model = url.removeprefix("s3://"), start.removeprefix("s3://")
    assert [each.address for each in links(settings)] == [
        f"s3://{data.rpartition('/')[0]}",
        f"s3://{model}",
    ]
