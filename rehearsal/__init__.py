"""The rehearsal: the real CDK CLI against a local AWS, with a ledger in place of a cluster."""
