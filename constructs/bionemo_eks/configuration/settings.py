"""The settings of a deployment: typed, frozen, checked once.

They come from the `bionemo` block of cdk.json; each one can be overridden with
`-c <group>.<name>=<value>`. Everything that can be derived is derived here (`Settings.workers` and
the like), so that a number is said once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from bionemo_eks.configuration.addresses import wrong_with_proxy, wrong_with_url
from bionemo_eks.configuration.budgets import REGIONS_WITH_BUDGETS
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
    capability_text,
    smallest,
)
from bionemo_eks.configuration.ip_blocks import is_of_the_internet, may_be_a_vpcs, restricted
from bionemo_eks.configuration.presets import NONE, PRESETS
from bionemo_eks.configuration.purchase import Purchase, wrong_with_reservation
from bionemo_eks.configuration.regions import known_regions
from bionemo_eks.configuration.versions import (
    BROKEN_GPU_AMI_RELEASES,
    DEFAULT_KUBERNETES,
    KUBERNETES_RELEASES,
    KubernetesRelease,
)
from bionemo_eks.configuration.workload import Workload

# Whatever CDK tags carries it, so that what is left over can be told from other projects' things.
DEPLOYMENT_TAG = "bionemo-on-eks/deployment"

# Of partition `aws`, the one that cdk.json names; a new region is named like the others.
_DIRECTION = r"(central|(north|south)?(east|west)|north|south)"
REGION_PATTERN = rf"^(af|ap|ca|eu|il|me|mx|sa|us)-{_DIRECTION}-[1-9]$"
# IAM users and roles only: an access entry takes neither groups nor wildcards.
# https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
# A path of printable characters, and a name of up to 64:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
PRINCIPAL_PATTERN = (
    r"^arn:aws:iam::[0-9]{12}:(user|role)/([\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64}$"
)
# Of 8 hexadecimal digits until 2018, of 17 since:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
_ID = r"([0-9a-f]{8}|[0-9a-f]{17})"

# A registry and its port, a repository in small letters, a tag, a digest:
# https://pkg.go.dev/github.com/distribution/reference
_REPOSITORY = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_IMAGE = (
    rf"^([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?{_REPOSITORY}(/{_REPOSITORY})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)

_WHOLE = re.compile(r"^\s*-?[0-9]+(\.0+)?\s*$")

# No Local Zone, such as us-west-2-lax-1a: EKS has no control plane there, and FSx no file system.
# https://docs.aws.amazon.com/eks/latest/userguide/local-zones.html
ZONE_PATTERN = r"[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]"
# What the bucket's name, and those of security groups, may not begin with; both begin with this.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-", "sg-")


@dataclass(frozen=True)
class Form:
    """What a value must look like, in words, for messages and for docs/settings.md.

    What `may_hold_password` is not repeated in a message where it may have one. `names` returns
    known values, of which the nearest is suggested.
    """

    words: str
    may_hold_password: bool = False
    names: Callable[[], Sequence[str]] | None = None


Arn = Annotated[
    str,
    StringConstraints(pattern=PRINCIPAL_PATTERN),
    Form("ARNs of IAM users or roles, such as arn:aws:iam::111122223333:role/platform"),
]
ArnOrNone = Annotated[
    str,
    StringConstraints(pattern=rf"^({PRINCIPAL_PATTERN.strip('^$')})?$"),
    Form(
        "the ARN of an IAM user or role, such as arn:aws:iam::111122223333:role/platform, or empty"
    ),
]
ImageReference = Annotated[
    str,
    StringConstraints(pattern=_IMAGE, max_length=255),
    Form("an image reference, such as nvcr.io/nvidia/clara/bionemo-framework:1.2"),
]
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@-]{0,512}$"),
    Form("a secret's name of up to 512 letters, digits and / _ + = . @ -, or empty"),
]
# https://docs.aws.amazon.com/eks/latest/userguide/eks-linux-ami-versions.html
AmiRelease = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]+\.[0-9]+\.[0-9]+-20[0-9]{6})?$"),
    Form("a release version of EKS' AMIs, such as 1.35.3-20261012, or empty"),
]
Layout = Literal["pod-per-gpu", "pod-per-node"]
Experiment = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Form("up to 100 letters, digits, dots, underscores and hyphens"),
]
Steps = Annotated[int, Field(ge=1, le=10**9)]
Zone = Annotated[
    str,
    StringConstraints(pattern=f"^{ZONE_PATTERN}$"),
    Form("two availability zones, such as us-west-2a"),
]
SubnetId = Annotated[
    str,
    StringConstraints(pattern=rf"^subnet-{_ID}$"),
    Form("subnet ids, such as subnet-0123456789abcdef0"),
]
Block = Annotated[str, Form("1 to 40 IPv4 blocks of the internet, such as 203.0.113.0/24")]
VpcBlock = Annotated[str, Form("an IPv4 block between /16 and /22, such as 10.1.0.0/21")]
ProxyUrl = Annotated[
    str,
    Form("a http URL, such as http://proxy.example.org:3128, or empty", may_hold_password=True),
]
# As Python's urllib reads no_proxy: it knows no address blocks.
# https://docs.python.org/3/library/urllib.request.html#urllib.request.ProxyHandler
Unproxied = Annotated[
    str,
    StringConstraints(pattern=r"^\.?[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?$"),
    Form("host names, domains or addresses, such as .example.org, but no blocks of addresses"),
]
_TAG_CHARACTERS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
TagKey = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=f"^{_TAG_CHARACTERS}*$")
]
TagValue = Annotated[str, StringConstraints(max_length=256, pattern=f"^{_TAG_CHARACTERS}*$")]
RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]


class Group(BaseModel):
    """A group of settings: frozen, and deaf to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @field_validator("*", mode="before")
    @classmethod
    def _as_it_is_written(cls, value: Any, info: ValidationInfo) -> Any:
        """Take numbers and true only as one writes them: pydantic makes 1 of true, 40 of 4_0."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        if annotation is bool and str(value).lower() not in ("true", "false"):
            raise PydanticKnownError("bool_parsing")
        if annotation is int and not _WHOLE.match(str(value)):
            raise PydanticKnownError("int_parsing")
        if get_origin(annotation) is Literal and isinstance(value, bool):
            raise PydanticKnownError("literal_error", {"expected": "one of them"})
        return value


class NetworkSettings(Group):
    """Where nodes and pods live."""

    vpc_id: Annotated[
        str,
        StringConstraints(pattern=rf"^(vpc-{_ID})?$"),
        Form("a VPC's id, such as vpc-0123456789abcdef0, or empty"),
    ] = Field(
        default="",
        description="An existing VPC to use, by id. Empty: the deployment makes its own. CDK looks "
        "it up in the account, so it takes AWS credentials at synth.",
    )
    node_subnet_ids: list[SubnetId] = Field(
        default=[],
        description="With `vpc_id`: the subnets for nodes and pods. Empty: all private subnets "
        "of that VPC that reach the internet.",
    )
    vpc_cidr: VpcBlock = Field(default="10.1.0.0/21", description="The VPC's own address block.")
    pod_cidr: VpcBlock = Field(
        default="100.64.0.0/16", description="Second address block, for nodes and pods."
    )
    availability_zones: list[Zone] = Field(
        default=[],
        max_length=2,
        description="The two zones to use. Empty: zones a and b of the region. With `vpc_id` only "
        "the first counts: the GPU nodes' zone, unless `gpu.availability_zone` is set.",
    )
    nat_gateways: Literal["one", "per-zone"] = Field(
        default="one",
        description="`one` NAT gateway for the VPC, or one `per-zone`, which outlives a zone.",
    )
    flow_log_days: RetentionDays = Field(
        default=30, description="Days for which VPC flow logs are kept."
    )

    @field_validator("vpc_cidr", "pod_cidr")
    @classmethod
    def _is_a_block(cls, value: str) -> str:
        block = _block(value)
        if block.version != 4 or not 16 <= block.prefixlen <= 22:
            raise refused("not of the allowed form")
        if not may_be_a_vpcs(ipaddress.IPv4Network(block)):
            raise refused("EC2 makes no VPC of this host's, link-local, or multicast addresses")
        return str(block)

    @model_validator(mode="after")
    def _blocks_are_apart(self) -> Self:
        first, second = (ipaddress.IPv4Network(each) for each in (self.vpc_cidr, self.pod_cidr))
        if first.overlaps(second):
            raise refused(f"vpc_cidr {first} and pod_cidr {second} overlap", "vpc_cidr", "pod_cidr")
        taken = restricted(first, second)
        if taken:
            raise refused(
                f"pod_cidr {second} is in {taken}, which AWS does not take as second block of a "
                f"VPC with {first}; 100.64.0.0/10 fits every VPC",
                "pod_cidr",
            )
        if self.node_subnet_ids and not self.vpc_id:
            raise refused(
                "node_subnet_ids goes with vpc_id, which is empty", "vpc_id", "node_subnet_ids"
            )
        if len(set(self.node_subnet_ids)) < len(self.node_subnet_ids):
            raise refused("node_subnet_ids names a subnet twice", "node_subnet_ids")
        if len(set(self.availability_zones)) == 1 and not self.vpc_id:
            raise refused(
                "availability_zones must name two different zones, or none", "availability_zones"
            )
        return self


class ClusterSettings(Group):
    """The EKS control plane and who may talk to it."""

    endpoint: Literal["public-and-private", "private"] = Field(
        default="public-and-private",
        description="How the Kubernetes API is reached: from the internet and the VPC, or from "
        "the VPC alone.",
    )
    public_access_cidrs: list[Block] = Field(
        default=["0.0.0.0/0"],
        min_length=1,
        # Not adjustable: https://docs.aws.amazon.com/general/latest/gr/eks.html
        max_length=40,
        description="Address blocks that may reach the public endpoint (IAM decides who gets in).",
    )
    admins: list[Arn] = Field(
        default=[],
        description="IAM users and roles that become cluster admins. Empty: a role is made that "
        "IAM identities of this account may be allowed to assume.",
    )
    admin_trust: ArnOrNone = Field(
        default="",
        description="Without `admins`: the one IAM user or role that may assume the role that is "
        "made. Empty: every identity of this account that IAM lets. `./bionemo preflight --pin` "
        "writes whoever deploys.",
    )
    log_days: RetentionDays = Field(
        default=90,
        description="Days for which logs are kept: of control plane, containers, file system and "
        "functions.",
    )

    @field_validator("public_access_cidrs")
    @classmethod
    def _are_blocks(cls, value: list[str]) -> list[str]:
        blocks = [_block(each) for each in value]
        for each, block in zip(value, blocks, strict=True):
            if block.version != 4:
                raise refused(f"{each} is not an IPv4 block")
            # https://docs.aws.amazon.com/eks/latest/userguide/config-cluster-endpoint.html
            if not is_of_the_internet(ipaddress.IPv4Network(block)):
                raise refused(
                    f"{each} is not of the internet, from which this endpoint is reached; "
                    "EKS takes no reserved addresses"
                )
        # As EKS takes them: one address as a /32, another's mask as a prefix.
        return list(dict.fromkeys(map(str, blocks)))

    @field_validator("admins")
    @classmethod
    def _are_different(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("an admin is named twice")
        return value


class CoreSettings(Group):
    """The core nodes: controllers, add-ons, the data Job."""

    instance_type: str = Field(
        default="m5.xlarge",
        examples=list(CORE_INSTANCE_TYPES),
        description="EC2 type of the core nodes.",
    )
    nodes: int = Field(default=3, ge=2, le=50, description="Core nodes that always run.")
    max_nodes: int = Field(
        default=9, ge=2, le=100, description="Core nodes that the autoscaler may go up to."
    )
    disk_gib: int = Field(default=100, ge=50, le=16384, description="Root volume (gp3), in GiB.")

    @field_validator("instance_type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return _one_of(CORE_INSTANCE_TYPES, value)

    @model_validator(mode="after")
    def _room_to_grow(self) -> Self:
        if self.max_nodes < self.nodes:
            raise refused(
                f"max_nodes ({self.max_nodes}) is less than nodes ({self.nodes})",
                "nodes",
                "max_nodes",
            )
        return self


class GpuSettings(Group):
    """The GPU nodes: what is trained on, and how it is paid for."""

    instance_type: str = Field(
        default="p4d.24xlarge",
        examples=list(GPU_INSTANCE_TYPES),
        description="EC2 type of the GPU nodes, or several with as many GPUs each, such as "
        "`p4d.24xlarge,p4de.24xlarge`: On-Demand is taken in their order, Spot by price and "
        "capacity.",
    )
    nodes: int = Field(default=2, ge=1, le=64, description="GPU nodes that the training runs on.")
    scaling: Literal["on-demand", "fixed"] = Field(
        default="on-demand",
        description="`on-demand`: from 0 up to `nodes` while pods ask for GPUs. `fixed`: always "
        "`nodes`, paid for around the clock.",
    )
    purchase: Purchase = Field(default="on-demand", description="How the GPU nodes are bought.")
    capacity_reservation_id: Annotated[
        str,
        StringConstraints(pattern=rf"^(cr-{_ID})?$"),
        Form("a reservation's id, such as cr-0123456789abcdef0, or empty"),
    ] = Field(
        default="",
        description="The On-Demand Capacity Reservation, with purchase `capacity-reservation`, or "
        "the Capacity Block, with `capacity-block`: `./bionemo preflight --offers` lists what can "
        "be bought.",
    )
    capacity_reservation_group: Annotated[
        str,
        StringConstraints(
            pattern=r"^(arn:aws:resource-groups:[a-z0-9-]+:[0-9]{12}:group/[\w.-]{1,128})?$"
        ),
        Form(
            "the ARN of a resource group, such as "
            "arn:aws:resource-groups:us-west-2:111122223333:group/training, or empty"
        ),
    ] = Field(
        default="",
        description="In place of the id: a resource group of On-Demand Capacity Reservations, with "
        "purchase `capacity-reservation`.",
    )
    availability_zone: Annotated[
        str,
        StringConstraints(pattern=f"^({ZONE_PATTERN})?$"),
        Form("an availability zone, such as us-west-2a, or empty"),
    ] = Field(
        default="",
        description="Zone of the GPU nodes and of the file system. Empty: the first zone.",
    )
    disk_gib: int = Field(
        default=200,
        ge=100,
        le=16384,
        description="Root volume (gp3), in GiB. Images and what pods write beside the file system "
        "are on it only where the type has no local NVMe.",
    )
    repair: Literal["off", "nodes", "gpus"] = Field(
        default="nodes",
        description="What EKS repairs by replacing or rebooting a GPU node. `nodes`: a node that "
        "is not ready, or whose kernel, disks, network or container runtime fail. `gpus`: faults "
        "of GPUs too, but then CloudWatch has no GPU metrics. A change makes another node group.",
    )
    ami_release: AmiRelease = Field(
        default="",
        description="Release of EKS' AMI that the GPU nodes have. Empty: the newest, each time "
        "that a deployment makes them anew.",
    )

    @field_validator("instance_type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        types = [each.strip() for each in value.split(",")]
        for each in types:
            if each not in GPU_INSTANCE_TYPES and len(types) > 1:
                raise refused(f"'{each}' is not one of the allowed values")
            _one_of(GPU_INSTANCE_TYPES, each)
        if len(set(types)) < len(types):
            raise refused("a type is named twice")
        gpus = {each: GPU_INSTANCE_TYPES[each].gpus for each in types}
        if len(set(gpus.values())) > 1:
            counts = ", ".join(f"{name} has {count}" for name, count in gpus.items())
            raise refused(f"all types must have as many GPUs: {counts}")
        return ",".join(types)

    @property
    def types(self) -> tuple[str, ...]:
        """The names in `instance_type`, in its order."""
        return tuple(self.instance_type.split(","))

    @model_validator(mode="after")
    def _reservation_matches(self) -> Self:
        wrong, names = wrong_with_reservation(
            self.purchase,
            self.capacity_reservation_id,
            self.capacity_reservation_group,
            types=len(self.types),
            fixed=self.scaling == "fixed",
        )
        if wrong:
            raise refused(wrong, *names)
        return self


class StorageSettings(Group):
    """FSx for Lustre and the bucket behind it."""

    capacity_gib: Annotated[int, Form("1200, or a multiple of 2400 up to 1000800")] = Field(
        default=2400,
        ge=1200,
        le=1_000_800,
        description="Size of the file system in GiB.",
    )
    throughput: Literal[125, 250, 500, 1000] = Field(
        default=500, description="Throughput in MB/s for each TiB of capacity."
    )
    keep_bucket: bool = Field(
        default=True,
        description="Whether the bucket with data set and checkpoints outlives `cdk destroy`.",
    )
    noncurrent_version_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days for which overwritten and deleted objects of the bucket are kept.",
    )
    noncurrent_checkpoint_days: int = Field(
        default=1,
        ge=1,
        le=3650,
        description="The same, for those below the folders of results: a training replaces its "
        "newest checkpoint all the time, each 500 steps by default.",
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

    preparation: Literal["streaming", "bionemo"] = Field(
        default="streaming",
        description="`streaming`: this project's program, same bytes, half an hour. `bionemo`: "
        "the container's own, as in 2024, 50 to 60 hours.",
    )
    url: Annotated[
        str,
        Form(
            "a http or https URL of a file, without user and password, blanks, quotes and $",
            may_hold_password=True,
        ),
    ] = Field(
        default="https://ftp.uniprot.org/pub/databases/uniprot/uniref/uniref50/uniref50.fasta.gz",
        description="The gzipped FASTA file to prepare (`streaming` only).",
    )
    connections: int = Field(
        default=4, ge=1, le=16, description="Connections to that server (`streaming` only)."
    )
    http_proxy: ProxyUrl = Field(
        default="", description="Proxy by which the data Job reaches http addresses."
    )
    https_proxy: ProxyUrl = Field(default="", description="The same for https addresses.")
    no_proxy: list[Unproxied] = Field(
        default=[], description="What the data Job reaches without a proxy, beside itself."
    )
    val_size: int = Field(default=5000, ge=1, le=10**9, description="Records for validation.")
    test_size: int = Field(default=1_000_000, ge=1, le=10**9, description="Records for the test.")
    num_csv_files: int = Field(
        default=50, ge=1, le=1000, description="CSV files that each split is cut into."
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Seed of the shuffle.")

    replace: bool = Field(
        default=False,
        description="Whether a complete data set made with other parameters may be replaced.",
    )

    @field_validator("url")
    @classmethod
    def _is_a_files_address(cls, value: str) -> str:
        return _without(wrong_with_url(value), value)

    @field_validator("http_proxy", "https_proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        return _without(wrong_with_proxy(value), value) if value else value

    @model_validator(mode="after")
    def _bionemo_has_its_own_download(self) -> Self:
        for name, value in (("url", self.url), ("connections", self.connections)):
            if self.preparation == "bionemo" and value != type(self).model_fields[name].default:
                raise refused(
                    f"{name} is for preparation `streaming`; `bionemo` has its own download",
                    "preparation",
                    name,
                )
        return self


class TrainingSettings(Group):
    """The training. What has no default here has one in each workload, which may add settings."""

    enabled: bool = Field(default=True, description="Whether the training starts by itself.")
    # Which ones there are, `reader.settings_model` is told.
    workload: str = Field(description="What is trained.")
    image: ImageReference = Field(description="The training's container image.")
    image_pull_secret: SecretName = Field(
        default="",
        description="Name of a secret of Secrets Manager, in the deployment's region, with the key "
        "to that image's registry: see [an image that wants a key]"
        "(operations.md#an-image-that-wants-a-key).",
    )
    layout: Layout = Field(
        description="`pod-per-gpu`: one-GPU pods. `pod-per-node`: one pod a node with all its "
        "GPUs, so that NCCL can use NVLink.",
    )
    experiment: Experiment = Field(
        description="Folder of the results; the training goes on from the checkpoints in it.",
    )
    max_steps: Steps = Field(description="Steps to train for.")
    max_hours: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Hours that the training may run in all, over all starts; then it is suspended "
        "with a last checkpoint, and its nodes go. 0: as many as it takes.",
    )
    on_stall: Literal["tell", "restart", "suspend"] = Field(
        default="tell",
        description="What is done beside a message when the training stands still (see "
        "`notifications.stall_minutes`): nothing, one restart from its newest checkpoint, or "
        "its suspension, after which the nodes go.",
    )


class NotificationSettings(Group):
    """Who hears of it."""

    email: Annotated[
        str,
        StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"),
        Form("an e-mail address, or empty"),
    ] = Field(default="", description="Address for alarms and the message that training ended.")
    pending_minutes: int = Field(
        default=30,
        ge=5,
        le=1440,
        description="Minutes for which workers wait for a GPU node before an alarm says so.",
    )
    stall_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes for which all workers run and print no line of progress before an "
        "alarm says so, and `training.on_stall` is done.",
    )
    idle_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes for which GPU nodes are up and their GPUs idle (less than 5 %) before "
        "an alarm says so, while a training should run.",
    )
    monthly_budget: int = Field(
        default=0,
        ge=0,
        le=100_000_000,
        description="US dollars a month for what carries the deployment's tag: messages at 50, 80 "
        "and 100 %. 0: no budget.",
    )


class Settings(Group):
    """All settings of one deployment."""

    cluster_name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,28}[a-z0-9]$"),
        Form("2 to 30 small letters, digits and hyphens, a letter first, no hyphen last"),
    ] = Field(default="bionemo-on-eks", description="Name of the cluster; stacks derive theirs.")
    preset: str = Field(
        default=NONE,
        examples=[NONE, *PRESETS],
        description="Settings that go together, in one word: see Presets. With `-c` it outranks "
        "cdk.json's block; other settings by `-c` outrank it.",
    )
    region: Annotated[
        str,
        StringConstraints(pattern=REGION_PATTERN),
        Form("an AWS region outside China and GovCloud, such as us-west-2", names=known_regions),
    ] = Field(default="us-west-2", description="AWS region.")
    kubernetes_version: str = Field(
        default=DEFAULT_KUBERNETES,
        examples=list(KUBERNETES_RELEASES),
        description="Kubernetes minor version of cluster and nodes; a cluster that stands goes up "
        "one at a time.",
    )
    tags: Annotated[
        dict[TagKey, TagValue],
        Form("up to 40 tags; keys and values of letters, digits, spaces and _ . : / = + - @"),
        # Of the 50 that a resource may have, some are the project's, CDK's and EKS'.
        # https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html
        Field(max_length=40),
    ] = Field(default={}, description="Tags for every resource, beside the project's own.")
    network: NetworkSettings = Field(default=NetworkSettings())
    cluster: ClusterSettings = Field(default=ClusterSettings())
    core: CoreSettings = Field(default=CoreSettings())
    gpu: GpuSettings = Field(default=GpuSettings())
    storage: StorageSettings = Field(default=StorageSettings())
    dataset: DatasetSettings = Field(default=DatasetSettings())
    training: TrainingSettings
    notifications: NotificationSettings = Field(default=NotificationSettings())
    _workload: Workload = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Keep the workload, which the reader hands over as the context of the validation."""
        self._workload = context

    @field_validator("cluster_name")
    @classmethod
    def _no_reserved_prefix(cls, value: str) -> str:
        if value.startswith(_RESERVED_PREFIXES):
            taken = ", ".join(_RESERVED_PREFIXES)
            raise refused(f"buckets and security groups take their names from it, not with {taken}")
        return value

    @field_validator("preset", mode="before")
    @classmethod
    def _is_a_preset(cls, value: Any) -> str:
        # Years are names here, and JSON may have them as numbers.
        return _one_of({NONE: None, **PRESETS}, str(value))

    @field_validator("kubernetes_version")
    @classmethod
    def _is_supported(cls, value: str) -> str:
        return _one_of(KUBERNETES_RELEASES, value)

    @field_validator("tags")
    @classmethod
    def _not_reserved(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if re.match(r"aws:", key, re.IGNORECASE):
                raise refused(f"'{key}': AWS reserves tag keys that begin with aws:")
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
            if [each.lower() for each in value].count(key.lower()) > 1:
                raise refused(f"'{key}' is there in large and in small letters, one to IAM")
            if key == DEPLOYMENT_TAG:
                raise refused(f"'{key}' is the project's own tag, by which it knows its things")
        return value

    @model_validator(mode="after")
    def _zones_fit(self) -> Self:
        for zone in self.zones:
            if not zone.startswith(self.region):
                raise refused(
                    f"zone '{zone}' of network.availability_zones is not in region {self.region}",
                    "region",
                    "network.availability_zones",
                )
        if not self.gpu_zone.startswith(self.region):
            raise refused(
                f"gpu.availability_zone '{self.gpu_zone}' is not in region {self.region}",
                "region",
                "gpu.availability_zone",
            )
        # An existing VPC has zones of its own; CDK learns them when it looks the VPC up.
        if not self.network.vpc_id and self.gpu_zone not in self.zones:
            raise refused(
                f"gpu.availability_zone '{self.gpu_zone}' is not one of the deployment's zones "
                f"({', '.join(self.zones)}): name it in network.availability_zones too",
                "network.availability_zones",
                "gpu.availability_zone",
            )
        return self

    @model_validator(mode="after")
    def _the_ami_release_fits(self) -> Self:
        release, version = self.gpu.ami_release, self.kubernetes_version
        if not release:
            return self
        kubernetes, _, day = release.partition("-")
        if kubernetes.rpartition(".")[0] != version:
            raise refused(
                f"{release} is an AMI for Kubernetes {kubernetes}, and the cluster has {version}",
                "gpu.ami_release",
                "kubernetes_version",
            )
        if version in BROKEN_GPU_AMI_RELEASES.get(day, ()):
            raise refused(
                f"{release} is known to be broken: its kernel panics on GPU types "
                "(https://github.com/awslabs/amazon-eks-ami/issues/2845)",
                "gpu.ami_release",
            )
        return self

    @model_validator(mode="after")
    def _budgets_can_be_made(self) -> Self:
        if self.notifications.monthly_budget and self.region not in REGIONS_WITH_BUDGETS:
            raise refused(
                f"CloudFormation makes no budget in {self.region}, but in "
                f"{', '.join(sorted(REGIONS_WITH_BUDGETS))}; make one by hand for the tag "
                f"{DEPLOYMENT_TAG}",
                "region",
                "notifications.monthly_budget",
            )
        return self

    @model_validator(mode="after")
    def _the_workload_can_use_the_gpus(self) -> Self:
        needs, title = self.workload.gpus, self.workload.title
        unfit = next((each for each in self.gpu_instances if not needs.met_by(each)), None)
        if unfit is None:
            return self
        model = unfit.gpu_model
        if needs.has_code_for(unfit):
            why = (
                f"that needs {needs.memory_gib:g} GiB of memory on each GPU, and {model} has "
                f"{unfit.gpu_memory_gib:g}"
            )
        else:
            capability = capability_text(unfit.compute_capability)
            why = f"its image has no code for {model} (compute capability {capability})"
        models = dict.fromkeys(
            each.gpu_model for each in GPU_INSTANCE_TYPES.values() if needs.met_by(each)
        )
        why = f"{unfit.name} cannot run {title}: {why}; {title} can use {', '.join(models)}"
        raise refused(why, "gpu.instance_type", "training.workload")

    @model_validator(mode="after")
    def _efa_finds_the_same_cards(self) -> Self:
        """A launch template has one list of interfaces, one for each card, for all its types.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html
        """
        cards = {each.name: each.network_cards for each in self.gpu_instances}
        if self.workload.can_use_efa and len(set(cards.values())) > 1:
            counts = ", ".join(
                f"{name} has {len(each)} with {sum(card.efa for card in each)} EFA"
                for name, each in cards.items()
            )
            raise refused(
                f"with EFA, which {self.workload.title} can use, all types must have the same "
                f"network cards: {counts}",
                "gpu.instance_type",
                "training.workload",
            )
        return self

    @model_validator(mode="after")
    def _the_splits_are_large_enough(self) -> Self:
        """As the data Job demands it (layout.too_small); of the third split only it can tell."""
        batch, files = self.global_batch, self.dataset.num_csv_files
        if not batch:
            return self
        for name in ("val_size", "test_size"):
            rows = getattr(self.dataset, name)
            if rows < batch:
                raise refused(
                    f"{name} {rows:,} is less than a global batch of {self.workload.title}, "
                    f"{batch:,} sequences on {self.gpus} GPUs",
                    f"dataset.{name}",
                    "gpu.nodes",
                    *self.workload.global_batch_settings,
                )
            if rows < files:
                raise refused(
                    f"{name} {rows:,} would leave some of {files:,} files empty",
                    f"dataset.{name}",
                    "dataset.num_csv_files",
                )
        return self

    @property
    def workload(self) -> Workload:
        """What the training's module says of it."""
        return self._workload

    @property
    def zones(self) -> tuple[str, ...]:
        """The availability zones in use."""
        return tuple(self.network.availability_zones) or (f"{self.region}a", f"{self.region}b")

    @property
    def gpu_zone(self) -> str:
        """The zone that holds GPU nodes and file system: traffic between zones costs money."""
        return self.gpu.availability_zone or self.zones[0]

    @property
    def release(self) -> KubernetesRelease:
        """The row of the version table for `kubernetes_version`."""
        return KUBERNETES_RELEASES[self.kubernetes_version]

    @property
    def gpu_instance(self) -> InstanceType:
        """What one GPU node offers at least, whichever of its types it is."""
        return smallest(self.gpu_instances)

    @property
    def gpu_instances(self) -> tuple[InstanceType, ...]:
        """The types that a GPU node may have, in the order of `gpu.instance_type`."""
        return tuple(GPU_INSTANCE_TYPES[name] for name in self.gpu.types)

    @property
    def core_instance(self) -> InstanceType:
        """What one core node offers."""
        return CORE_INSTANCE_TYPES[self.core.instance_type]

    @property
    def gpus(self) -> int:
        """GPUs of the whole training: the world size."""
        return self.gpu.nodes * self.gpu_instance.gpus

    @property
    def global_batch(self) -> int:
        """Sequences of one step of the training, over all GPUs; 0 where nobody can tell."""
        return self.workload.global_batch(self) if self.workload.global_batch else 0

    @property
    def gpus_per_worker(self) -> int:
        """GPUs of one worker pod."""
        return 1 if self.training.layout == "pod-per-gpu" else self.gpu_instance.gpus

    @property
    def workers(self) -> int:
        """Worker replicas of the PyTorchJob."""
        return self.gpus // self.gpus_per_worker


def _one_of(table: dict[str, Any], value: str) -> str:
    if value not in table:
        raise refused("not one of the allowed values")
    return value


def _without(reason: str, value: str) -> str:
    """Return `value`, which there is no `reason` to refuse."""
    if reason:
        raise refused(reason)
    return value


def _block(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise refused(str(error)) from None
