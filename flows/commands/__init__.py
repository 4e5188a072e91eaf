"""One file per kind of command; each registers its own."""
