"""The Kubernetes objects of the data Job and the trainings, as data. No CDK here."""
