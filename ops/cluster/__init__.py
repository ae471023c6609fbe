"""Information from the cluster's own API."""
