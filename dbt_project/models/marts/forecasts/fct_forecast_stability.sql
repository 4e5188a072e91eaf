{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['run_id', 'series_id', 'target_at'],
) }}
-- A run that is not here yet is written with all runs after it: for them it may be the vintage of the day before.
{% set since = scalar_timestamp(unpaired_since(this)) if is_incremental() else "timestamp '1900-02-01'" %}

with forecasts as (
    select * from {{ ref('fct_forecasts') }}
    where origin_at >= {{ since }} - interval 30 hour
),

-- of several vintages the one nearest to a day earlier; beyond 30 hours ahead no such vintage reaches
paired as (
    select
        forecasts.*,
        vintages.run_id as previous_run_id,
        vintages.model_version as previous_model_version,
        vintages.origin_at as previous_origin_at,
        vintages.point as previous_point,
        vintages.q10 as previous_q10,
        vintages.q90 as previous_q90
    from forecasts
    left join forecasts as vintages
        on
            forecasts.series_id = vintages.series_id
            and forecasts.target_at = vintages.target_at
            and vintages.origin_at >= forecasts.origin_at - interval 30 hour
            and vintages.origin_at <= forecasts.origin_at - interval 18 hour
    where forecasts.horizon_h <= 30 and forecasts.origin_at >= {{ since }}
    qualify
        row_number() over (
            partition by forecasts.run_id, forecasts.series_id, forecasts.target_at
            order by
                abs(datediff('minute', vintages.origin_at, forecasts.origin_at) - 24 * 60) nulls last,
                vintages.origin_at desc, vintages.created_at desc, vintages.run_id desc
        ) = 1
),

final as (
    select
        run_id,
        model_version,
        dataset,
        series_id,
        origin_at,
        target_at,
        horizon_h,
        rung,
        point,
        previous_run_id,
        previous_model_version,
        previous_origin_at,
        previous_point,
        point - previous_point as change,
        abs(point - previous_point) as abs_change,
        abs(point - previous_point) / nullif(previous_q90 - previous_q10, 0) as change_of_width,
        point between previous_q10 and previous_q90 as is_within_previous_80,
        created_at
    from paired
)

select * from final
