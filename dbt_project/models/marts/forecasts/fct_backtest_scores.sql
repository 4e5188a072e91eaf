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

final as (
    select
        run_id,
        dataset,
        model,
        role,
        series_id,
        horizon_h,
        count(distinct origin_at)::integer as n_origins,
        avg(abs(point - actual)) as mae,
        sqrt(avg((point - actual) ** 2)) as rmse,
        avg(point - actual) as bias,
        avg(abs(point - actual) / nullif(scale, 0)) as mase,
        avg({{ pinball_loss('actual', [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]) }}) as pinball,
        avg((actual between q10 and q90)::integer) as coverage_80,
        avg((actual between q05 and q95)::integer) as coverage_90
    from backtests
    group by all
)

select * from final
