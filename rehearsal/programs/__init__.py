"""Programs of others that the rehearsal runs: the CDK CLI and kubectl."""
