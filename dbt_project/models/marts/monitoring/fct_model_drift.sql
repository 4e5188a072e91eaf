{{ config(materialized='table') }}
-- CUSUM (Page 1954) of what an origin's first day cost, against what the backtest of its version promised. One origin a
-- day: errors of neighbouring origins are the same errors. Errors count by their logarithm: a day can cost thrice as
-- much, and never less than nothing.
{% set slack, limit_sd, most_sd, recent = 0.5, 6.0, 6.0, 3 %}

with origins_promised as (
    select run_id, dataset, model, series_id, origin_at, error_ratio, miss_80
    from {{ ref('fct_backtest_origin_scores') }}
    where role = 'report'
    union all by name
    select
        run_id, dataset, model, 'all' as series_id, origin_at,
        avg(error_ratio) as error_ratio,
        avg(miss_80) as miss_80
    from {{ ref('fct_backtest_origin_scores') }}
    where role = 'report'
    group by all
),

usual as (
    select
        run_id, dataset, model, series_id,
        avg(ln(greatest(error_ratio, 0.01))) as error_mean,
        greatest(stddev_samp(ln(greatest(error_ratio, 0.01))), 0.05) as error_sd,
        avg(miss_80) as miss_mean,
        greatest(stddev_samp(miss_80), 0.02) as miss_sd
    from origins_promised
    group by all
    having count(*) >= 10
),

promised as (
    select
        run_id, dataset, model, series_id,
        unnest([
            struct_pack(measure := 'error', promise := exp(error_mean), mean := error_mean, sd := error_sd),
            struct_pack(measure := 'miss_80', promise := miss_mean, mean := miss_mean, sd := miss_sd)
        ], recursive := true)
    from usual
),

hours as (
    select
        scores.dataset,
        scores.model_version,
        versions.run_id as training_run_id,
        versions.model,
        scores.series_id,
        scores.origin_at,
        scores.abs_error,
        scores.is_covered_80,
        backtested.mae
    from {{ ref('fct_forecast_scores') }} as scores
    inner join {{ source('ml', 'model_versions') }} as versions on scores.model_version = versions.model_version
    inner join {{ ref('fct_backtest_scores') }} as backtested
        on
            versions.run_id = backtested.run_id
            and versions.dataset = backtested.dataset
            and versions.model = backtested.model
            and backtested.role = 'report'
            and scores.series_id = backtested.series_id
            and scores.horizon_h = backtested.horizon_h
    where scores.horizon_h <= 24
    qualify
        scores.run_id = first_value(scores.run_id) over (
            partition by scores.model_version, scores.series_id, scores.origin_at::date
            order by scores.origin_at, scores.created_at, scores.run_id
        )
),

origins as (
    select
        dataset, model_version, training_run_id, model, series_id, origin_at,
        count(*) as n_hours,
        sum(abs_error) / nullif(sum(mae), 0) as error_ratio,
        avg((not is_covered_80)::integer) as miss_80
    from hours
    group by all
    having count(*) >= 12
),

origins_and_all as (
    select * from origins
    union all by name
    select
        dataset, model_version, training_run_id, model, 'all' as series_id,
        max(origin_at) as origin_at,
        avg(error_ratio) as error_ratio,
        avg(miss_80) as miss_80
    from origins
    group by dataset, model_version, training_run_id, model, origin_at::date
),

realised as (
    select
        dataset, model_version, training_run_id, model, series_id, origin_at,
        unnest([
            struct_pack(measure := 'error', value := error_ratio, seen := ln(greatest(error_ratio, 0.01))),
            struct_pack(measure := 'miss_80', value := miss_80, seen := miss_80)
        ], recursive := true)
    from origins_and_all
),

compared as (
    select
        realised.dataset,
        realised.model_version,
        realised.series_id,
        realised.measure,
        realised.origin_at,
        realised.value,
        promised.promise as promised,
        promised.sd as promised_sd,
        least((realised.seen - promised.mean) / promised.sd, {{ most_sd }}) as excess_sd
    from realised
    inner join promised
        on
            realised.training_run_id = promised.run_id
            and realised.dataset = promised.dataset
            and realised.model = promised.model
            and realised.series_id = promised.series_id
            and realised.measure = promised.measure
    where realised.value is not null
),

summed as (
    select
        *,
        sum(excess_sd - {{ slack }}) over so_far as total,
        avg(excess_sd) over (
            partition by model_version, series_id, measure
            order by origin_at rows between {{ recent - 1 }} preceding and current row
        ) as recent_sd
    from compared
    window so_far as (partition by model_version, series_id, measure order by origin_at)
),

-- max(0, s + x - slack) from origin to origin is the sum so far less its lowest value, where that is below zero
final as (
    select
        dataset,
        model_version,
        series_id,
        measure,
        origin_at,
        value,
        promised,
        promised_sd,
        excess_sd,
        total - least(0, min(total) over (
            partition by model_version, series_id, measure order by origin_at
        )) as cusum,
        recent_sd,
        cusum > {{ limit_sd }} and recent_sd > {{ slack }} as is_drift
    from summed
)

select * from final
