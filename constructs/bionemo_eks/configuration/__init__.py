"""The settings and what is derived from them: versions, instance types, names. No CDK here."""
