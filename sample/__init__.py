"""An upstream to run offline: the hosts the loader knows, served on loopback, generated or from recordings."""

import os

# Asked before anything slow is imported: a parent that dies while the server starts must not go unnoticed.
PARENT = os.getppid()
