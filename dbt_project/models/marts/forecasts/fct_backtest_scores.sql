{{ config(
    materialized='incremental',
    incremental_strategy='append',
) }}

with backtests as ({{ new_backtests() }}),

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
        avg({{ pinball_loss('actual') }}) as pinball,
        avg((actual between q10 and q90)::integer) as coverage_80,
        avg((actual between q05 and q95)::integer) as coverage_90
    from backtests
    group by all
)

select * from final
