{{ config(materialized='table') }}
{% set costs = ['cost_machine', 'cost_motherduck', 'cost_calls', 'cost'] %}
{% set whole = ['seconds', 'cpu_seconds', 'read_bytes', 'written_bytes'] + costs %}
{% set before, least = 14, 5 %}

with steps as (
    select * from {{ ref('fct_runs') }}
    where as_of <= {{ as_of() }}
),

forecasts as (
    select run_id, count(*) as n_forecasts, count(distinct series_id) as n_series
    from {{ source('ml', 'forecasts') }}
    group by run_id
),

-- the step `total` is the run as a whole; without it there are only the steps so far
runs as (
    select
        run_id,
        min(flow) as flow,
        min(as_of) as as_of,
        min(started_at) as started_at,
        min(currency) as currency,
        coalesce(max(status) filter (step = 'total'), 'incomplete') as status,
        count(*) filter (step <> 'total') as n_steps,
        coalesce(bool_or(
            step like 'train %' or (step = 'alerts' and (detail::json ->> 'trained') <> '{}')
        ), false) as is_training,
        {% for column in whole -%}
        coalesce(max({{ column }}) filter (step = 'total'), sum({{ column }})) as {{ column }},
        {% endfor -%}
        max(peak_mib) as peak_mib,
        sum(n_calls) as n_calls,
        max(call_weight) as call_weight
    from steps
    group by run_id
),

counted as (
    select
        runs.*,
        coalesce(forecasts.n_series, 0) as n_series,
        coalesce(forecasts.n_forecasts, 0) as n_forecasts,
        1000 * runs.cost / forecasts.n_forecasts as cost_per_1000,
        case when runs.status = 'ok' then 1000 * runs.cost / forecasts.n_forecasts end as comparable
    from runs
    left join forecasts on runs.run_id = forecasts.run_id
),

compared as (
    select
        *,
        count(comparable) over runs_before as n_usual,
        median(comparable) over runs_before as usual_cost_per_1000
    from counted
    window runs_before as (
        partition by flow, is_training
        order by started_at, run_id rows between {{ before }} preceding and 1 preceding
    )
),

final as (
    select
        ---------- ids and times
        run_id, flow, as_of, started_at, status, is_training, n_steps::integer as n_steps,

        ---------- what it took
        seconds, cpu_seconds, peak_mib, read_bytes::bigint as read_bytes, written_bytes::bigint as written_bytes,
        n_calls::bigint as n_calls, call_weight,

        ---------- what came of it
        n_series::integer as n_series, n_forecasts,

        ---------- what it cost
        {{ costs | join(', ') }}, currency, cost_per_1000, usual_cost_per_1000, n_usual::integer as n_usual,
        case when n_usual >= {{ least }} then comparable / nullif(usual_cost_per_1000, 0) end as cost_ratio
    from compared
)

select * from final
