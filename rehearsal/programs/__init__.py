"""External programs that the rehearsal runs: the CDK CLI and kubectl."""
