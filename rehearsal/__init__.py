"""The rehearsal: the real CDK CLI against a local AWS, with a ledger instead of a cluster."""
