"""A ledger in place of a cluster, and what an API server would refuse. Knows no AWS."""
