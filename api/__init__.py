"""The published copy over HTTP."""
