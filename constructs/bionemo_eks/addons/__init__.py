"""The Addons stack's constructs, and the EKS add-on construct that Cluster uses too."""
