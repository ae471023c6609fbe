"""The guard that keeps a file system until its export is done."""

from __future__ import annotations

import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from bionemo_eks.functions.await_export import MANIFEST
from bionemo_eks.storage.export_guard import ExportGuard
from tests.constructs.bare import bare_stack, only, waits_for

FUNCTION, GROUP, POLICY, ROLE = (
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
)


@pytest.fixture(scope="module")
def guard() -> Template:
    stack = bare_stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "some-bucket")
    ExportGuard(
        stack,
        "Guard",
        file_system_id="fs-some",
        bucket=bucket,
        folder="processed",
        log_days=14,
    )
    return Template.from_stack(stack)


def test_it_watches_the_file_system_and_the_folder_given(guard: Template) -> None:
    resource = only(guard, "Custom::LustreExportGuard")
    ((function, _),) = guard.find_resources(FUNCTION).items()
    assert resource["FileSystemId"] == "fs-some"
    assert (resource["Bucket"], resource["Folder"]) == ("some-bucket", "processed")
    assert resource["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}


def test_its_function_reads_one_metric_lists_one_folder_reads_one_object_and_writes_its_log(
    guard: Template,
) -> None:
    ((group, _),) = guard.find_resources(GROUP).items()
    rights = {
        action: (each["Resource"], each.get("Condition"))
        for each in only(guard, POLICY)["PolicyDocument"]["Statement"]
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    of_the_log = ({"Fn::GetAtt": [group, "Arn"]}, None)
    arn = ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::some-bucket"]]
    one_folder = {"StringEquals": {"s3:prefix": "processed/"}}
    assert rights == {
        "cloudwatch:GetMetricStatistics": ("*", None),
        "s3:ListBucket": ({"Fn::Join": arn}, one_folder),
        "s3:GetObject": (
            {"Fn::Join": ["", [*arn[1][:-1], f"{arn[1][-1]}/processed/{MANIFEST}"]]},
            None,
        ),
        "logs:CreateLogStream": of_the_log,
        "logs:PutLogEvents": of_the_log,
    }
    assert not {"ManagedPolicyArns", "Policies"} & set(only(guard, ROLE))


def test_only_lambda_may_assume_its_role(guard: Template) -> None:
    (statement,) = only(guard, ROLE)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_its_permissions_outlast_it(guard: Template) -> None:
    """It runs when the stack is removed; CloudFormation removes dependencies last."""
    assert set(guard.find_resources(POLICY)) <= waits_for(guard, FUNCTION)


def test_it_waits_as_long_as_a_function_can(guard: Template) -> None:
    assert only(guard, FUNCTION)["Timeout"] == 15 * 60


def test_its_log_is_removed_with_the_stack(guard: Template) -> None:
    guard.has_resource(GROUP, {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 14}})
    guard.has_resource_properties(
        FUNCTION, {"LoggingConfig": {"LogGroup": {"Ref": Match.string_like_regexp("Logs")}}}
    )


def test_its_program_is_one_that_lambda_can_start(guard: Template) -> None:
    """`cfnresponse` exists only for inline code, whose module is `index`."""
    function = only(guard, FUNCTION)
    module, _, handler = function["Handler"].partition(".")
    text = function["Code"]["ZipFile"]
    assert module == "index"
    assert f"def {handler}(" in text
    compile(text, "index.py", "exec")
