"""The settings, group by group, in the order of docs/settings.md."""
