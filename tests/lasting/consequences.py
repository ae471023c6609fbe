"""What CloudFormation's schemas do not say about changes, and what each type's loss means."""

from __future__ import annotations

REPLACED = "would be REPLACED"

# Properties that the schemas do not list as create-only, and the effect of changing them.
NOT_IN_THE_SCHEMAS: dict[str, dict[str, str]] = {
    # In the table that `cdk diff` reads (node_modules/aws-cdk/db.json.gz) these cause replacement.
    "AWS::EC2::EIP": {"Domain": REPLACED},
    "AWS::FSx::FileSystem": {
        "FileSystemTypeVersion": REPLACED,
        "LustreConfiguration/DeploymentType": REPLACED,
        # FSx can change it only for Windows:
        # https://docs.aws.amazon.com/fsx/latest/APIReference/API_UpdateFileSystem.html
        "StorageType": "could not be UPDATED by FSx",
    },
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_LaunchTemplateSpecification.html
    "AWS::EKS::Nodegroup": {"LaunchTemplate/Id": "could not be UPDATED by EKS"},
    # For custom resources the handlers decide; CDK's are in
    # https://github.com/aws/aws-cdk/tree/main/packages/@aws-cdk/custom-resource-handlers/lib
    "Custom::AWSCDK-EKS-HelmChart": dict.fromkeys(
        ("ClusterName", "Namespace", "Release"),
        "would be installed ONCE MORE next to the old release, which is never removed",
    ),
    "Custom::AWSCDK-EKS-KubernetesResource": {
        "ClusterName": "would leave its objects BEHIND in the old cluster",
        "PruneLabel": "would no longer PRUNE the objects that carry the old label",
    },
    # These two handlers return this property as the resource's physical id.
    "Custom::LustreExportGuard": {"FileSystemId": REPLACED},
    "Custom::S3AutoDeleteObjects": {"BucketName": REPLACED},
}
# Create-only for every custom resource:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
SERVICE_TOKEN = "ServiceToken"
SERVICE_TOKEN_CHANGED = "could not be UPDATED by CloudFormation"

# Types that may be recreated at any time: they hold nothing, and what uses them follows. Functions
# too, except those that a custom resource or another stack names.
MAY_CHANGE = {
    "AWS::IAM::Policy",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::SSM::Parameter",  # CDK makes manifests wait for it
}

_NO_WAY_OUT = "Nodes and pods would be unable to reach the internet, EKS and S3 for a while."
_RULE = "EC2 accepts no second rule with the same content while the first exists."
_NAMED = "A new one of the same name is refused, or is deleted with the old one."

WHY = {
    "AWS::Budgets::Budget": "A new one of the same name is refused while the old one exists.",
    "AWS::CloudWatch::Alarm": _NAMED,
    "AWS::CloudWatch::Dashboard": _NAMED,
    "AWS::EC2::EIP": "Allow lists with this address would no longer match.",
    "AWS::EC2::FlowLog": "Traffic would not be logged for a while.",
    "AWS::EC2::InternetGateway": _NO_WAY_OUT,
    "AWS::EC2::LaunchTemplate": "EKS accepts no other launch template for a node group.",
    "AWS::EC2::NatGateway": _NO_WAY_OUT,
    "AWS::EC2::PlacementGroup": "The nodes in it would have to be replaced.",
    "AWS::EC2::Route": "A route table accepts no second route to the same destination. "
    + _NO_WAY_OUT,
    "AWS::EC2::RouteTable": _NO_WAY_OUT,
    "AWS::EC2::SecurityGroup": "What is in it has to leave it, and a file system cannot.",
    "AWS::EC2::SecurityGroupEgress": _RULE,
    "AWS::EC2::SecurityGroupIngress": _RULE,
    "AWS::EC2::Subnet": "File system, node groups and everything else in it would be replaced too.",
    "AWS::EC2::SubnetRouteTableAssociation": _NO_WAY_OUT,
    "AWS::EC2::VPC": "Everything in it would be replaced too: file system, cluster, nodes.",
    "AWS::EC2::VPCCidrBlock": "The nodes' subnets, and all nodes, would be replaced too.",
    "AWS::EC2::VPCEndpoint": "Traffic to S3 would be paid for at the NAT gateway for a while.",
    "AWS::EC2::VPCGatewayAttachment": _NO_WAY_OUT,
    "AWS::EKS::AccessEntry": "EKS accepts no second entry for the same principal: it would be "
    "locked out, or the update would fail.",
    "AWS::EKS::Addon": "A cluster has an add-on only once: it would be removed, with its pods.",
    "AWS::EKS::Cluster": "All nodes, jobs and objects in it would be gone.",
    "AWS::EKS::Nodegroup": "Its nodes would be terminated, and a training on them would stop.",
    "AWS::EKS::PodIdentityAssociation": "Pods with this service account would have no AWS "
    "permissions until they are restarted.",
    "AWS::Events::Rule": "Messages about GPU nodes would be lost for a while.",
    "AWS::FSx::DataRepositoryAssociation": "FSx accepts no second association with the same path; "
    "in between, checkpoints would not reach S3.",
    "AWS::FSx::FileSystem": "A new, empty one would take its place: what has not reached S3 is "
    "lost, and the pods' volume, which cannot be changed, names the old one.",
    "AWS::IAM::Role": "What uses it would lose its permissions; for clusters and node groups the "
    "role is create-only.",
    "AWS::KMS::Key": "A cluster cannot change the key for its secrets: it would be replaced too.",
    "AWS::Lambda::Function": "Custom resources name it, and CloudFormation does not let them name "
    "another one.",
    "AWS::Logs::LogGroup": "The log lines in it would be lost.",
    "AWS::Logs::MetricFilter": "What is logged in between would trigger no alarm.",
    "AWS::S3::Bucket": "It holds data set and checkpoints, which would not be found again.",
    "AWS::S3::BucketPolicy": "A bucket has one policy: deleting the old one could delete the new.",
    "AWS::SNS::Subscription": "The person would have to confirm it, with no messages until then.",
    "AWS::SNS::Topic": "Its subscribers would have to confirm again, with no messages until then.",
    "AWS::SNS::TopicPolicy": "Nothing could send a message to the topic for a while.",
    "Custom::AWSCDK-EKS-HelmChart": "Helm would uninstall the old release by its name, after "
    "installing the new one.",
    "Custom::AWSCDK-EKS-KubernetesResource": "CloudFormation applies the new one and then deletes "
    "the old one's objects, which are the same by name: https://github.com/aws/aws-cdk/issues/33406",
    "Custom::LustreExportGuard": "Removing the old one waits until everything has reached S3.",
    "Custom::S3AutoDeleteObjects": "Removing the old one empties the bucket.",
}

# Kinds that `kubectl apply --prune` removes if no other list is given:
# https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-to-delete-objects
PRUNED_KINDS = {
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Endpoints",
    "Ingress",
    "Job",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "Secret",
    "Service",
    "StatefulSet",
}
