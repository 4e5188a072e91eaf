-- The window looks back 14 origin days: shorter tells little, longer tells late.
with published as (
    select
        true as is_use,
        scores.dataset, scores.model_version, scores.series_id, scores.origin_at, scores.horizon_h,
        scores.actual, scores.point,
        forecasts.q05, forecasts.q10, forecasts.q25, forecasts.q50, forecasts.q75, forecasts.q90, forecasts.q95
    from {{ ref('fct_forecast_scores') }} as scores
    inner join {{ ref('fct_forecasts') }} as forecasts
        on
            scores.run_id = forecasts.run_id
            and scores.series_id = forecasts.series_id
            and scores.target_at = forecasts.target_at
    where scores.horizon_h <= 24
    qualify
        scores.origin_at::date > max(scores.origin_at::date) over (partition by scores.model_version) - 14
        and scores.run_id = first_value(scores.run_id) over (
            partition by scores.model_version, scores.series_id, scores.origin_at::date
            order by scores.origin_at, scores.created_at, scores.run_id
        )
),

backtested as (
    select
        false as is_use,
        tests.dataset, versions.model_version, tests.series_id, tests.origin_at, tests.horizon_h,
        tests.actual, tests.point,
        tests.q05, tests.q10, tests.q25, tests.q50, tests.q75, tests.q90, tests.q95
    from {{ source('ml', 'backtests') }} as tests
    inner join {{ source('ml', 'model_versions') }} as versions
        on
            tests.run_id = versions.run_id
            and tests.dataset = versions.dataset
            and tests.model = versions.model
    where
        tests.role = 'report'
        and tests.horizon_h <= 24
        and tests.q50 is not null
        and versions.model_version in (select published.model_version from published)
),

final as (
    select * from published
    union all
    select * from backtested
)

select * from final
