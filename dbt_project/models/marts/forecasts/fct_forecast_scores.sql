{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['run_id', 'series_id', 'target_at'],
) }}
-- A forecast is scored when its truth arrives and again when it is revised: both raise the payload_seq of the hour.
{% set since = scalar_timestamp(unscored_since(this)) if is_incremental() else "timestamp '1900-02-01'" %}

with hours as (
    select * from {{ ref('fct_observations') }}
    where observed_at >= {{ since }} - interval 9 day
),

truths as (
    select * from hours
    where value is not null and quality = 'ok' and observed_at >= {{ since }}
),

-- the naive answers as the origin could have given them
scored as (
    select
        forecasts.*,
        truths.value as actual,
        truths.payload_seq as truth_seq,
        case
            when date_trunc('hour', day_before.first_known_at) <= forecasts.origin_at then day_before.first_value
        end as naive_day,
        case
            when date_trunc('hour', week_before.first_known_at) <= forecasts.origin_at then week_before.first_value
        end as naive_week
    from {{ ref('fct_forecasts') }} as forecasts
    inner join truths on forecasts.series_id = truths.series_id and forecasts.target_at = truths.observed_at
    left join hours as day_before
        on
            forecasts.series_id = day_before.series_id
            and day_before.observed_at = forecasts.target_at - to_hours(24 * ((forecasts.horizon_h + 23) // 24))
    left join hours as week_before
        on
            forecasts.series_id = week_before.series_id
            and week_before.observed_at = forecasts.target_at - interval 168 hour
    where forecasts.target_at >= {{ since }}
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
        actual,
        point,
        point - actual as error,
        abs(point - actual) as abs_error,
        abs(naive_day - actual) as abs_error_naive_day,
        abs(naive_week - actual) as abs_error_naive_week,
        actual between q10 and q90 as is_covered_80,
        actual between q05 and q95 as is_covered_90,
        q90 - q10 as width_80,
        {{ pinball_loss('actual') }} as pinball,
        created_at,
        truth_seq
    from scored
)

select * from final
