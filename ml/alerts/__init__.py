"""Alerts: the probability of a rule's event in a window ahead, calibrated, and what acting on it is worth."""
