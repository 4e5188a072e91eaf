"""One file per upstream; none knows another."""
