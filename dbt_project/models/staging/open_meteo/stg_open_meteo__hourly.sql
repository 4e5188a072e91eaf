{%- set number = '["DOUBLE"]' -%}
{%- set body_shape -%}
{"utc_offset_seconds": "BIGINT",
 "hourly_units": {"temperature_2m": "VARCHAR", "wind_speed_10m": "VARCHAR", "windspeed_10m": "VARCHAR"},
 "hourly": {"time": ["VARCHAR"],
            "temperature_2m": {{ number }}, "relative_humidity_2m": {{ number }}, "cloud_cover": {{ number }},
            "cloudcover": {{ number }}, "wind_speed_10m": {{ number }}, "windspeed_10m": {{ number }},
            "pm2_5": {{ number }}, "nitrogen_dioxide": {{ number }}}}
{%- endset -%}

with

bodies as (

    select
        payload_seq,
        subject,
        endpoint,
        fetched_at,
        mode,
        from_json(body, '{{ body_shape }}') as parsed
    from {{ source('raw', 'open_meteo') }}
    where source = 'open_meteo' and status = 'ok' {{ and_newer_in_ranges() }}

),

stamps as (

    select
        payload_seq,
        subject,
        endpoint,
        fetched_at,
        mode,
        parsed.utc_offset_seconds as utc_offset_seconds,
        ({{ celsius_zero('parsed.hourly_units.temperature_2m') }})::double as celsius_zero,
        ({{ celsius_degree('parsed.hourly_units.temperature_2m') }})::double as celsius_degree,
        ({{ kmh_factor('coalesce(parsed.hourly_units.wind_speed_10m, parsed.hourly_units.windspeed_10m)') }})::double
            as kmh_factor,
        unnest(parsed.hourly.time) as stamp,
        unnest(parsed.hourly.temperature_2m) as temperature,
        unnest(parsed.hourly.relative_humidity_2m) as relative_humidity_pct,
        unnest(coalesce(parsed.hourly.cloud_cover, parsed.hourly.cloudcover)) as cloud_cover_pct,
        unnest(coalesce(parsed.hourly.wind_speed_10m, parsed.hourly.windspeed_10m)) as wind_speed,
        unnest(parsed.hourly.pm2_5) as pm2_5_ugm3,
        unnest(parsed.hourly.nitrogen_dioxide) as nitrogen_dioxide_ugm3
    from bodies
    where endpoint is distinct from 'previous_runs'

),

final as (

    select
        ---------- ids
        payload_seq,
        subject,
        endpoint,

        ---------- times
        fetched_at,
        mode,
        {{ utc_from_offset('stamp', 'utc_offset_seconds') }} as observed_at,

        ---------- measures
        (temperature - celsius_zero) / celsius_degree as temperature_c,
        relative_humidity_pct,
        cloud_cover_pct,
        wind_speed * kmh_factor as wind_speed_kmh,
        pm2_5_ugm3,
        nitrogen_dioxide_ugm3
    from stamps
    where stamp is not null

)

select * from final
