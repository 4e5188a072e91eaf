"""Deliveries: what is published, as files that other programs read."""
