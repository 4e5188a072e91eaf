"""What runs take, cost and bring."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer


def runs(publication: Publication, n: int) -> pa.Table:
    """The newest runs, oldest first."""
    return answer(
        publication,
        """
        with newest as (select * from marts.fct_run_costs order by as_of desc, run_id desc limit $n)
        select * from newest order by as_of, run_id
        """,
        n=n,
    )


def steps(publication: Publication, run_id: str) -> pa.Table:
    return answer(
        publication,
        """
        select step, status, started_at, seconds, cpu_seconds, peak_mib, n_rows, n_calls, cost, currency
        from marts.fct_runs where run_id = $run_id and step != 'total' order by started_at
        """,
        run_id=run_id,
    )


def calls(publication: Publication) -> pa.Table:
    """One row per day with loads (by the as-of clock): calls of upstream APIs, and their weight."""
    return answer(
        publication,
        """
        select date_trunc('day', as_of)::timestamp as day, sum(n_calls)::bigint as n_calls, sum(call_weight) as weight
        from marts.fct_runs where step = 'load' group by day order by day desc limit 60
        """,
    )


def allowances(publication: Publication) -> pa.Table:
    """By source and period: the call weight it allows, and what was used up to the end of the newest load."""
    return answer(
        publication,
        """
        with newest as (
            select as_of, detail -> 'allowances' as allowances
            from marts.fct_runs where step = 'load' and (detail -> 'allowances') is not null
            order by as_of desc, started_at desc limit 1
        ),
        told as (
            select as_of, unnest(
                from_json(
                    allowances, '[{"source": "varchar", "most": "double", "seconds": "double", "used": "double"}]'
                ),
                recursive := true
            )
            from newest
        )
        select * from told order by source, seconds
        """,
    )


def value(publication: Publication) -> pa.Table:
    """One row per subject and period, against the reference that is hardest to beat."""
    return answer(
        publication,
        """
        select
            kind, subject, dataset, reference, period, n, n_days, n_events, unit, loss, loss_reference, saving, value,
            is_enough
        from marts.fct_value where is_hardest and n > 0 order by kind, subject, period
        """,
    )
