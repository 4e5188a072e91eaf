"""Models: feature marts in, scored forecasts with intervals out. Writes nothing but the tables of schema `ml`."""

import os

# A busy-waiting OpenMP thread on a shared core costs five times the work it waits for; read once, when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
