{{ config(
    materialized='incremental',
    incremental_strategy='append',
) }}
-- A training run writes its backtest once: runs already aggregated are left alone.

with backtests as (
    select * from {{ source('ml', 'backtests') }}
    {% if is_incremental() %}
    where run_id || dataset not in (select distinct run_id || dataset from {{ this }})
    {% endif %}
),

by_clock as (
    select
        backtests.*,
        hour(
            timezone(series.timezone, timezone('UTC', backtests.origin_at + to_hours(backtests.horizon_h)))
        )::integer as local_hour
    from backtests
    inner join {{ ref('dim_series') }} as series on backtests.series_id = series.series_id
),

final as (
    select
        run_id,
        dataset,
        model,
        role,
        series_id,
        local_hour,
        count(*)::integer as n_rows,
        avg(abs(point - actual)) as mae,
        avg(point - actual) as bias,
        avg({{ pinball_loss('actual', [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]) }}) as pinball,
        avg((actual between q10 and q90)::integer) as coverage_80,
        avg((actual between q05 and q95)::integer) as coverage_90
    from by_clock
    group by all
)

select * from final
