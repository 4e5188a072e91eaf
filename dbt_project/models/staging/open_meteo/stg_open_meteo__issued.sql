{%- set names = {
    'temperature': 'temperature_2m', 'relative_humidity_pct': 'relative_humidity_2m',
    'cloud_cover_pct': 'cloud_cover', 'wind_speed': 'wind_speed_10m',
} -%}
{%- set ages = ['', '_previous_day1', '_previous_day2', '_previous_day3'] -%}
{%- set units, columns = {}, {'time': ['VARCHAR']} -%}
{%- for age in ages -%}
{%- do units.update({'temperature_2m' ~ age: 'VARCHAR', 'wind_speed_10m' ~ age: 'VARCHAR'}) -%}
{%- for name in names.values() -%}{%- do columns.update({name ~ age: ['DOUBLE']}) -%}{%- endfor -%}
{%- endfor -%}
{%- set body_shape = {'utc_offset_seconds': 'BIGINT', 'hourly_units': units, 'hourly': columns} | tojson -%}

with

bodies as materialized (

    select
        payload_seq,
        subject,
        endpoint,
        fetched_at,
        from_json(body, '{{ body_shape }}') as parsed
    from {{ source('raw', 'open_meteo_issued') }}
    where source = 'open_meteo' and status = 'ok' and endpoint ~ 'forecast|previous_runs' {{ and_newer_in_ranges() }}

),

stamps as (

    {% for age in ages %}
    {{ 'union all' if not loop.first }}
    select
        payload_seq,
        subject,
        endpoint,
        fetched_at,
        {{ loop.index0 }} as days_before,
        parsed.utc_offset_seconds as utc_offset_seconds,
        ({{ celsius_zero('parsed.hourly_units.temperature_2m' ~ age) }})::double as celsius_zero,
        ({{ celsius_degree('parsed.hourly_units.temperature_2m' ~ age) }})::double as celsius_degree,
        ({{ kmh_factor('parsed.hourly_units.wind_speed_10m' ~ age) }})::double as kmh_factor,
        {% for ours, theirs in names.items() %}
        unnest(parsed.hourly.{{ theirs }}{{ age }}) as {{ ours }},
        {% endfor %}
        unnest(parsed.hourly.time) as stamp
    from bodies
    where endpoint = '{{ 'previous_runs' if age else 'forecast' }}'
    {% endfor %}

),

final as (

    select
        ---------- ids
        payload_seq,
        subject,
        endpoint,

        ---------- times
        fetched_at,
        days_before,
        {{ utc_from_offset('stamp', 'utc_offset_seconds') }} as target_at,

        ---------- measures
        (temperature - celsius_zero) / celsius_degree as temperature_c,
        relative_humidity_pct,
        cloud_cover_pct,
        wind_speed * kmh_factor as wind_speed_kmh
    from stamps
    -- of the forecast the hours to come; of earlier runs those that are past: an hour to come is told by a later run
    where
        (target_at > fetched_at) = (days_before = 0)
        and coalesce(temperature, relative_humidity_pct, cloud_cover_pct, wind_speed) is not null

)

select * from final
