"""An upstream to run offline: the hosts the loader knows, served on loopback, generated or from recordings."""
