"""The settings, group by group, as docs/settings.md has them."""
