"""What runs in AWS Lambda: each file is one function's whole code, with only boto3 besides."""
