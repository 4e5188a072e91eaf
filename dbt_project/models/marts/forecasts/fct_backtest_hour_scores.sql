{{ config(
    materialized='incremental',
    incremental_strategy='append',
) }}

with backtests as ({{ new_backtests() }}),

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
        avg({{ pinball_loss('actual') }}) as pinball,
        avg((actual between q10 and q90)::integer) as coverage_80,
        avg((actual between q05 and q95)::integer) as coverage_90
    from by_clock
    group by all
)

select * from final
