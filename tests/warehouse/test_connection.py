"""A statement that a signal cuts off ends there, and the file can be opened again by the same process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.settings import ROOT

CUT_OFF = """
import signal, sys
from pathlib import Path
from warehouse.connection import connect
from warehouse.motherduck import roll_back
from warehouse.settings import load_settings

class Stop(BaseException):
    pass

def stop(number, frame):
    raise Stop

def endless(con, in_transaction):
    if in_transaction:
        con.execute("begin transaction")
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        con.execute("create table main.endless as select sum(hash(i)) as x from range(10_000_000_000_000) as t(i)")
    except BaseException:
        if in_transaction:
            roll_back(con)
        raise

settings = load_settings(data_dir=Path(sys.argv[1]), threads=2)
signal.signal(signal.SIGALRM, stop)
for _ in range(3):
    error = None
    try:
        with connect(settings) as con:
            endless(con, sys.argv[2] == "True")
    except BaseException as cut_off:
        error = cut_off
    assert type(error) is Stop, repr(error)
    with connect(settings) as con:
        made = con.execute("select count(*) from duckdb_tables() where table_name = 'endless'").fetchone()
        assert made == (0,), made
print("opened again")
"""


@pytest.mark.parametrize("in_transaction", [True, False])
def test_the_file_can_be_opened_again_after_a_signal_within_a_statement(tmp_path: Path, in_transaction: bool) -> None:
    command = [sys.executable, "-c", CUT_OFF, str(tmp_path), str(in_transaction)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "opened again\n", done.stderr
