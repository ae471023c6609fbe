"""What runs in AWS Lambda: each file is one function's whole code, beside it nothing but boto3."""
