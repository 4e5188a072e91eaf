{{ config(materialized='table') }}
-- E|X - median| is the integral of |quantile - median| over the levels: trapezoids between the published quantiles, and
-- beyond the outer ones exponential tails that go on as the last two quantiles part.

with hours as (
    select
        run_id, dataset, series_id, origin_at, created_at, target_at, point, q90 - q10 as width_80,
        (
            0.05 * (q90 - q05 + q95 - q10) + 0.15 * (q75 - q10 + q90 - q25) + 0.25 * (q75 - q25)
        ) / 2 + 0.05 * (q95 - q05 + (q95 - q90 + q10 - q05) / ln(2)) as expected_error
    from {{ ref('fct_forecasts') }}
    where horizon_h <= 24
),

challenged as (
    select run_id, series_id, target_at, point
    from {{ source('ml', 'shadow_forecasts') }}
    where arm = 'challenger' and horizon_h <= 24
),

runs as (
    select
        hours.run_id, hours.dataset, hours.series_id, hours.origin_at, hours.created_at,
        round(avg(hours.expected_error), 9) as expected_mae,
        round(
            sum(abs(hours.point - challenged.point))
            / nullif(sum(hours.width_80) filter (challenged.point is not null), 0), 9
        ) as disagreement,
        count(scores.abs_error)::integer as n_scored,
        case when n_scored >= 12 then avg(scores.abs_error) end as realised_mae,
        sum(hours.expected_error) filter (where scores.abs_error is not null) as expected_of_scored,
        case when n_scored >= 12 then round(sum(scores.abs_error) / nullif(expected_of_scored, 0), 9) end as ratio
    from hours
    left join {{ ref('fct_forecast_scores') }} as scores
        on
            hours.run_id = scores.run_id
            and hours.series_id = scores.series_id
            and hours.target_at = scores.target_at
    left join challenged
        on
            hours.run_id = challenged.run_id
            and hours.series_id = challenged.series_id
            and hours.target_at = challenged.target_at
    group by hours.run_id, hours.dataset, hours.series_id, hours.origin_at, hours.created_at
),

-- of origins, not runs: one that is run again counts once
origins as (
    select
        series_id, origin_at,
        median(arg_max(expected_mae, (created_at, run_id))) over (
            partition by series_id order by origin_at rows between 28 preceding and 1 preceding
        ) as usual_mae
    from runs
    group by series_id, origin_at
),

final as (
    select
        runs.run_id, runs.dataset, runs.series_id, runs.origin_at,
        runs.expected_mae, origins.usual_mae, runs.disagreement, runs.n_scored, runs.realised_mae, runs.ratio,
        runs.created_at
    from runs
    inner join origins on runs.series_id = origins.series_id and runs.origin_at = origins.origin_at
)

select * from final
