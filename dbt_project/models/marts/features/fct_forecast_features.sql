{{ config(materialized='view') }}
{% set issued = ['temperature_c', 'relative_humidity_pct', 'cloud_cover_pct', 'wind_speed_kmh'] %}
-- One row per horizon, never stored: an index into the origin's history, or the calendar of the target hour.

with origins as (
    select * from {{ ref('fct_all_origin_features') }} where is_target
),

-- of every weather variable the 48 hours ahead as they were forecast
known_ahead as (
    select
        {% for variable in issued %}
        {{ variable }}.issued as {{ variable }}_ahead, {{ variable }}.lead as {{ variable }}_lead,
        {% endfor %}
        origins.*
    from origins
    {% for variable in issued %}
    left join (select * from {{ ref('fct_issued_forecasts') }} where variable = '{{ variable }}') as {{ variable }}
        on origins.place_id = {{ variable }}.place_id and origins.origin_at = {{ variable }}.origin_at
    {% endfor %}
),

horizons as (
    select
        known_ahead.*,
        horizon_h,
        known_ahead.origin_at + to_hours(horizon_h) as target_at
    from known_ahead
    cross join (select unnest(range(1, 49))::integer as horizon_h) as hours_ahead
),

-- the same hour d days before the target, where that hour is not after the origin
same_hours as (
    select
        {% for d in range(1, 8) %}
        case when {{ 24 * d }} >= horizon_h then history[{{ 24 * d + 1 }} - horizon_h] end as same_hour_d{{ d }},
        {% endfor %}
        *
    from horizons
),

final as (
    select
        same_hours.series_id,
        same_hours.dataset,
        same_hours.place_id,
        same_hours.origin_at,
        same_hours.horizon_h,
        same_hours.target_at,
        {% for d in range(1, 8) %}
        same_hours.same_hour_d{{ d }},
        {% endfor %}
        list_avg([
            same_hour_d1, same_hour_d2, same_hour_d3, same_hour_d4, same_hour_d5, same_hour_d6, same_hour_d7
        ])::float as same_hour_mean_7,
        same_hours.last_value as naive_last,
        coalesce(
            case when horizon_h <= 24 then same_hour_d1 else same_hour_d2 end, mean_168, last_value
        )::float as naive_day,
        coalesce(same_hour_d7, mean_168, last_value)::float as naive_week,
        coalesce(same_hour_mean_7, mean_168, last_value)::float as naive_mean_7,
        {% for variable in issued %}
        {{ variable }}_ahead[horizon_h] as issued_{{ variable }},
        {% endfor %}
        coalesce(
            {% for variable in issued %}
            {{ variable }}_lead[horizon_h]{{ ',' if not loop.last }}
            {% endfor %}
        ) as issued_lead_h,
        timezone(series.timezone, timezone('UTC', same_hours.target_at)) as local_target_at,
        truth.value as target,
        greatest(truth.last_revised_at, truth.first_known_at) as target_known_at,
        truth.quality as target_quality
    from same_hours
    inner join {{ ref('dim_series') }} as series on same_hours.series_id = series.series_id
    left join {{ ref('fct_observations') }} as truth
        on same_hours.series_id = truth.series_id and same_hours.target_at = truth.observed_at
)

select * from final
