{%- set body_shape -%}
{"unix_seconds": ["BIGINT"], "production_types": [{"name": "VARCHAR", "data": ["DOUBLE"]}]}
{%- endset -%}

with

bodies as (

    select
        payload_seq,
        subject as country,
        fetched_at,
        mode,
        from_json(body, '{{ body_shape }}') as parsed
    from {{ source('raw', 'energy_charts') }}
    where source = 'energy_charts' and status = 'ok' {{ and_newer_in_ranges() }}

),

types as (

    select
        payload_seq,
        country,
        fetched_at,
        mode,
        parsed.unix_seconds as unix_seconds,
        {{ step_seconds('parsed.unix_seconds') }} as step_seconds,
        len(list_distinct(parsed.unix_seconds)) < len(parsed.unix_seconds) as has_repeated_stamps,
        unnest(parsed.production_types) as production
    from bodies

),

stamps as (

    select
        payload_seq,
        country,
        fetched_at,
        mode,
        step_seconds,
        has_repeated_stamps,
        production.name as production_type,
        unnest(unix_seconds) as unix_second,
        unnest(production.data) as power_mw
    from types

),

final as (

    select
        ---------- ids
        payload_seq,
        country,
        production_type,

        ---------- times
        fetched_at,
        mode,
        make_timestamp(unix_second * 1000000) as observed_at,
        step_seconds,

        ---------- measures
        power_mw,

        ---------- flags
        has_repeated_stamps
    from stamps
    where power_mw is not null

)

select * from final
