{{ config(materialized='table') }}

with promised as (
    select
        versions.model_version,
        tests.series_id,
        tests.horizon_h,
        tests.mae,
        tests.coverage_80
    from {{ ref('fct_backtest_scores') }} as tests
    inner join {{ source('ml', 'model_versions') }} as versions
        on tests.run_id = versions.run_id and tests.dataset = versions.dataset and tests.model = versions.model
    where tests.role = 'report'
),

-- hours that the backtest knows, so that both sides are of the same hours ahead; an origin run again counts once
hours as (
    select
        scores.*,
        promised.mae as mae_promised,
        promised.coverage_80 as coverage_80_promised,
        case
            when scores.horizon_h <= 6 then 6
            when scores.horizon_h <= 12 then 12
            when scores.horizon_h <= 24 then 24
            else 48
        end as lead_to_h
    from {{ ref('fct_forecast_scores') }} as scores
    inner join promised
        on
            scores.model_version = promised.model_version
            and scores.series_id = promised.series_id
            and scores.horizon_h = promised.horizon_h
    qualify
        row_number() over (
            partition by scores.model_version, scores.series_id, scores.origin_at, scores.horizon_h
            order by scores.created_at desc, scores.run_id desc
        ) = 1
),

final as (
    select
        dataset,
        model_version,
        series_id,
        lead_to_h,
        count(distinct origin_at)::integer as n_origins,
        count(*)::integer as n_hours,
        avg(abs_error) as mae,
        avg(mae_promised) as mae_promised,
        sum(abs_error) / nullif(sum(mae_promised), 0) as ratio,
        avg(is_covered_80::integer) as coverage_80,
        avg(coverage_80_promised) as coverage_80_promised
    from hours
    group by dataset, model_version, series_id, lead_to_h
)

select * from final
