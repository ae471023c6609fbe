"""The Addons stack's constructs, and the add-on that Cluster uses too."""
