"""What AWS's schemas do not say about the actions that a deployment needs."""

from __future__ import annotations

# Types whose schema lists no actions. CloudFormation calls a custom resource's function with the
# caller's permissions; FSx needs its actions and, by the service authorization reference, those
# that they depend on, and a service-linked role for the first file system:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonfsx.html
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/using-service-linked-roles.html
_OF_A_FUNCTION = ["lambda:InvokeFunction"]
REMAINDER: dict[str, list[str]] = {
    "AWS::FSx::FileSystem": [
        "ec2:GetSecurityGroupsForVpc",
        "fsx:CreateFileSystem",
        "fsx:DeleteFileSystem",
        "fsx:DescribeFileSystems",
        "fsx:TagResource",
        "fsx:UpdateFileSystem",
        "iam:CreateServiceLinkedRole",
    ],
    "Custom::AWSCDK-EKS-HelmChart": _OF_A_FUNCTION,
    "Custom::AWSCDK-EKS-KubernetesResource": _OF_A_FUNCTION,
    "Custom::LustreExportGuard": _OF_A_FUNCTION,
    "Custom::S3AutoDeleteObjects": _OF_A_FUNCTION,
}

# Patterns of actions that a schema lists only for properties that no template here sets, by type.
UNUSED: dict[str, list[str]] = {
    # Transferred addresses, or addresses of instances.
    "AWS::EC2::EIP": ["ec2:AcceptAddressTransfer", "ec2:*ssociateAddress"],
    # Flow logs to S3 or Firehose; ours go to CloudWatch with a role.
    "AWS::EC2::FlowLog": [
        "autoscaling:*",
        "iam:CreateServiceLinkedRole",
        "logs:*LogDelivery",
        "s3:*",
    ],
    "AWS::EC2::VPC": ["ec2:CreateVpcEncryptionControl"],
    # A block from an address manager.
    "AWS::EC2::VPCCidrBlock": ["ec2:AllocateIpamPoolCidr"],
    # Service networks, and endpoints in other regions.
    "AWS::EC2::VPCEndpoint": ["vpc-lattice:*", "vpce:*"],
    "AWS::EC2::VPCGatewayAttachment": ["ec2:*VpnGateway*"],
    # EKS Auto Mode.
    "AWS::EKS::Cluster": ["iam:*InstanceProfile"],
    # SSH to nodes.
    "AWS::EKS::Nodegroup": ["ec2:DescribeKeyPairs"],
    # Targets that are called with a role.
    "AWS::Events::Rule": ["iam:PassRole"],
    "AWS::IAM::Policy": ["iam:*GroupPolicy", "iam:*UserPolicy"],
    # Customer managed keys, file systems, signing, capacity, concurrency.
    "AWS::Lambda::Function": [
        "elasticfilesystem:*",
        "kms:*",
        "lambda:*CodeSigningConfig",
        "lambda:PassCapacityProvider",
        "lambda:PutFunction*",
        "lambda:PutRuntimeManagementConfig",
        "s3files:*",
    ],
    "AWS::Logs::LogGroup": [
        "firehose:*",
        "logs:*BearerTokenAuthentication",
        "logs:*DataProtectionPolicy",
        "logs:*IndexPolic*",
        "logs:*LogDelivery",
        "logs:*ResourcePolic*",
    ],
    # Tables, replication, websites and other features of buckets.
    "AWS::S3::Bucket": [
        "iam:PassRole",
        "s3:*Abac",
        "s3:*Acl",
        "s3:*Analytics*",
        "s3:*BucketLogging",
        "s3:*BucketWebsite",
        "s3:*CORS",
        "s3:*IntelligentTiering*",
        "s3:*Inventory*",
        "s3:*Metadata*",
        "s3:*Metrics*",
        "s3:*ObjectLock*",
        "s3:*ReplicationConfiguration",
        "s3:DeleteObject",
        "s3:PutAccelerateConfiguration",
        "s3:PutBucketNotification",
        "s3tables:*",
    ],
    # Delivery to Firehose, with a role.
    "AWS::SNS::Subscription": ["iam:*"],
    "AWS::SNS::Topic": ["iam:*", "sns:PutDataProtectionPolicy", "sns:Subscribe"],
}
