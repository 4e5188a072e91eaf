{{ config(materialized='table') }}
-- The first day of an origin, by whoever answered it: published, or beside what was published.

with beside as (
    select
        forecasts.run_id, forecasts.dataset, forecasts.series_id, forecasts.origin_at, forecasts.target_at,
        forecasts.arm, forecasts.model_version, false as is_published, forecasts.created_at,
        abs(forecasts.point - truths.value) as abs_error,
        {{ pinball_loss('truths.value') }} as pinball,
        truths.value between forecasts.q10 and forecasts.q90 as is_covered_80
    from {{ source('ml', 'shadow_forecasts') }} as forecasts
    inner join {{ ref('fct_observations') }} as truths
        on forecasts.series_id = truths.series_id and forecasts.target_at = truths.observed_at
    where forecasts.horizon_h <= 24 and truths.value is not null and truths.quality = 'ok'
),

published as (
    select
        scores.run_id, scores.dataset, scores.series_id, scores.origin_at, scores.target_at,
        coalesce(arms.arm, scores.rung) as arm, scores.model_version, true as is_published, scores.created_at,
        scores.abs_error, scores.pinball, scores.is_covered_80
    from {{ ref('fct_forecast_scores') }} as scores
    left join {{ source('ml', 'arms') }} as arms
        on scores.run_id = arms.run_id and scores.series_id = arms.series_id
    where scores.horizon_h <= 24
),

-- where a lower rung answers for the champion, its answer beside is the published one
hours as (
    select * from beside
    anti join published using (run_id, series_id, arm)
    union all by name
    select * from published
),

final as (
    select
        run_id,
        dataset,
        series_id,
        origin_at,
        arm,
        model_version,
        is_published,
        count(*)::integer as n_hours,
        max(target_at) as last_target_at,
        avg(abs_error) as mae,
        avg(pinball) as pinball,
        avg(is_covered_80::integer) as coverage_80,
        created_at
    from hours
    group by all
    having count(*) >= 12
)

select * from final
