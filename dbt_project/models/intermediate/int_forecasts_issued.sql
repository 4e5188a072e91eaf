{%- set variables = ['temperature_c', 'relative_humidity_pct', 'cloud_cover_pct', 'wind_speed_kmh'] -%}
with

forecasts as (

    {% for variable in variables %}
    {{ 'union all' if not loop.first }}
    select
        payload_seq, subject, endpoint, fetched_at, days_before, target_at,
        '{{ variable }}' as variable, {{ variable }} as value
    from {{ ref('stg_open_meteo__issued') }}
    where {{ variable }} is not null
    {% endfor %}

),

limits as (

    select variable, min(plausible_min) as plausible_min, max(plausible_max) as plausible_max
    from {{ ref('variables') }}
    group by variable

),

lags as (select endpoint, known_lag_hours from {{ ref('sources') }} where source = 'open_meteo'),

places as (select * from {{ ref('int_places_shown') }}),

final as (

    select
        ---------- ids
        case when places.place_id is null then forecasts.subject else places.shown_id end as place_id,
        forecasts.variable,
        forecasts.payload_seq,

        ---------- times
        forecasts.target_at,
        forecasts.days_before,
        (24 * forecasts.days_before - coalesce(lags.known_lag_hours, 0))::integer as known_before_h,
        case
            when forecasts.days_before = 0 then date_trunc('hour', forecasts.fetched_at)
            else forecasts.target_at - to_hours(24 * forecasts.days_before - coalesce(lags.known_lag_hours, 0))
        end as available_at,

        ---------- measures
        forecasts.value
    from forecasts
    left join places on forecasts.subject = places.place_id
    left join limits on forecasts.variable = limits.variable
    left join lags on forecasts.endpoint = lags.endpoint
    where
        isfinite(forecasts.value)
        and coalesce(forecasts.value between limits.plausible_min and limits.plausible_max, true)
        and forecasts.target_at = date_trunc('hour', forecasts.target_at)

)

select * from final
