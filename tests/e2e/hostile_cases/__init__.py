"""Bad input for Sluice's tools, one module a kind of file."""
