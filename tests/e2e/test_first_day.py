from __future__ import annotations
from tests.e2e.fixtures import Day
from tests.e2e.world import differences
from tests.e2e.inputs import DAY_2

def test_probe(day_1: Day, day_2: Day, eve):
    print(day_1.done.stderr, day_2.done.stdout, day_2.done.stderr)
    done = eve.run(DAY_2)
    print(done.stderr)
    print(differences(eve, day_2.world))
    for t, v in day_2.world.content().items(): print(t, v)
    print(day_2.world.rows("select step,seconds,cpu_seconds from ml.runs order by started_at"))
    print(eve.rows("select step,seconds,cpu_seconds from ml.runs order by started_at"))
    assert 0
