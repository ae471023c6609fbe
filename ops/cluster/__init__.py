"""What the cluster's own API tells."""
