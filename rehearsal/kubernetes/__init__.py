"""A ledger instead of a cluster, and what an API server would refuse. Independent of AWS."""
