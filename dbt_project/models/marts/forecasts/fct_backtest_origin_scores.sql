{{ config(
    materialized='incremental',
    incremental_strategy='append',
) }}

with backtests as ({{ new_backtests() }}),

-- what an hour ahead usually costs, so that an origin is judged by its own hours
usual as (
    select run_id, dataset, model, role, series_id, horizon_h, avg(abs(point - actual)) as mae
    from backtests
    where horizon_h <= 24
    group by all
),

final as (
    select
        backtests.run_id,
        backtests.dataset,
        backtests.model,
        backtests.role,
        backtests.series_id,
        backtests.origin_at,
        count(*)::integer as n_hours,
        sum(abs(backtests.point - backtests.actual)) / nullif(sum(usual.mae), 0) as error_ratio,
        avg((backtests.actual not between backtests.q10 and backtests.q90)::integer) as miss_80
    from backtests
    inner join usual
        on
            backtests.run_id = usual.run_id
            and backtests.dataset = usual.dataset
            and backtests.model = usual.model
            and backtests.role = usual.role
            and backtests.series_id = usual.series_id
            and backtests.horizon_h = usual.horizon_h
    group by all
)

select * from final
