"""What CloudFormation's schemas do not say: what else must last, what need not, and why."""

from __future__ import annotations

REPLACED = "would be REPLACED"

# Properties that the schemas do not call create-only, and what a change of one would do.
BESIDE_THE_SCHEMAS: dict[str, dict[str, str]] = {
    # The table that `cdk diff` reads (node_modules/aws-cdk/db.json.gz) has these as replacing.
    "AWS::EC2::EIP": {"Domain": REPLACED},
    "AWS::FSx::FileSystem": {
        "FileSystemTypeVersion": REPLACED,
        "LustreConfiguration/DeploymentType": REPLACED,
        # FSx changes it for Windows alone:
        # https://docs.aws.amazon.com/fsx/latest/APIReference/API_UpdateFileSystem.html
        "StorageType": "could not be UPDATED by FSx",
    },
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_LaunchTemplateSpecification.html
    "AWS::EKS::Nodegroup": {"LaunchTemplate/Id": "could not be UPDATED by EKS"},
    # Of custom resources their handlers decide; CDK's are in
    # https://github.com/aws/aws-cdk/tree/main/packages/@aws-cdk/custom-resource-handlers/lib
    "Custom::AWSCDK-EKS-HelmChart": dict.fromkeys(
        ("ClusterName", "Namespace", "Release"),
        "would be installed ONCE MORE beside the old release, which nobody removes",
    ),
    "Custom::AWSCDK-EKS-KubernetesResource": {
        "ClusterName": "would leave its objects BEHIND in the old cluster",
        "PruneLabel": "would no longer PRUNE the objects that carry the old label",
    },
    # These two handlers answer with this property as the resource's physical id.
    "Custom::LustreExportGuard": {"FileSystemId": REPLACED},
    "Custom::S3AutoDeleteObjects": {"BucketName": REPLACED},
}
# Create-only of every custom resource:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
SERVICE_TOKEN = "ServiceToken"
SERVICE_TOKEN_CHANGED = "could not be UPDATED by CloudFormation"

# Types that may be made anew at any time: nothing is in them, and what uses them follows. Functions
# too, but for those that a custom resource or another stack names.
MAY_CHANGE = {
    "AWS::IAM::Policy",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::SSM::Parameter",  # a point in time, for which CDK lets manifests wait
}

_NO_WAY_OUT = "Nodes and pods would have no way out to the internet, to EKS and to S3, for a while."
_RULE = "EC2 takes no second rule with the same content while the first is there."
_NAMED = "One of the same name cannot be made beside it, or goes when the old one goes."

WHY = {
    "AWS::Budgets::Budget": "A new one of the same name is refused while the old one is there.",
    "AWS::CloudWatch::Alarm": _NAMED,
    "AWS::CloudWatch::Dashboard": _NAMED,
    "AWS::EC2::EIP": "What lets the deployment in by its address would no longer know it.",
    "AWS::EC2::FlowLog": "Traffic would not be logged for a while.",
    "AWS::EC2::InternetGateway": _NO_WAY_OUT,
    "AWS::EC2::LaunchTemplate": "EKS takes no other launch template for a node group.",
    "AWS::EC2::NatGateway": _NO_WAY_OUT,
    "AWS::EC2::PlacementGroup": "The nodes in it would have to be replaced.",
    "AWS::EC2::Route": "A route table takes no second route to the same place. " + _NO_WAY_OUT,
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
    "AWS::EKS::AccessEntry": "EKS takes no second entry of the same principal: it would be locked "
    "out, or the update fail.",
    "AWS::EKS::Addon": "A cluster has an add-on once: it would be taken off, pods and all.",
    "AWS::EKS::Cluster": "All nodes, jobs and objects in it would be gone.",
    "AWS::EKS::Nodegroup": "Its nodes, and a training on them, would end.",
    "AWS::EKS::PodIdentityAssociation": "Pods of this service account would have no rights in AWS "
    "until they are started again.",
    "AWS::Events::Rule": "Nobody would hear of GPU nodes for a while.",
    "AWS::FSx::DataRepositoryAssociation": "FSx takes no second association of the same path; in "
    "between, checkpoints would not reach S3.",
    "AWS::FSx::FileSystem": "A new, empty one would take its place: what has not reached S3 is "
    "lost, and the volume of the pods, which cannot be changed, names the old one.",
    "AWS::IAM::Role": "What runs with it would lose its rights; of a cluster and a node group the "
    "role is create-only.",
    "AWS::KMS::Key": "A cluster cannot change the key of its secrets: it would be replaced too.",
    "AWS::Lambda::Function": "Custom resources name it, and CloudFormation lets none of them name "
    "another.",
    "AWS::Logs::LogGroup": "The log lines in it would be lost.",
    "AWS::Logs::MetricFilter": "What is logged in between would set off no alarm.",
    "AWS::S3::Bucket": "Data set and checkpoints are in it, and would not be found again.",
    "AWS::S3::BucketPolicy": "A bucket has one policy: the new one could go with the old one.",
    "AWS::SNS::Subscription": "The person would have to confirm it again, and hear nothing before.",
    "AWS::SNS::Topic": "Its subscribers would have to confirm again, and hear nothing before.",
    "AWS::SNS::TopicPolicy": "Nothing could send a message to the topic for a while.",
    "Custom::AWSCDK-EKS-HelmChart": "Helm would uninstall what the old one has installed, by its "
    "name, after the new one.",
    "Custom::AWSCDK-EKS-KubernetesResource": "CloudFormation applies the new one and then deletes "
    "the old one's objects, which are the same by name: https://github.com/aws/aws-cdk/issues/33406",
    "Custom::LustreExportGuard": "The removal of the old one waits until all has reached S3.",
    "Custom::S3AutoDeleteObjects": "The removal of the old one empties the bucket.",
}

# Kinds that `kubectl apply --prune` removes where no other list is given:
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
