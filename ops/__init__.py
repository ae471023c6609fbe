"""Operations before, during and after a deployment, with boto3; read-only by default."""
