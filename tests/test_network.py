"""The suite's own guard."""

from __future__ import annotations

import socket

import pytest


def test_a_test_that_asks_beyond_loopback_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(OSError, match="tests have no network"):
        outside.connect(("192.0.2.1", 80))
