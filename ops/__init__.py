"""Before, while and after a deployment: an operations command on boto3, read-only by default."""
