"""The settings and what follows from them: versions, instance types, names. No CDK here."""
