{%- set body_shape -%}
{"data": {"items": [{"timestamp": "VARCHAR",
                     "updatedTimestamp": "VARCHAR",
                     "readings": {"pm25_one_hourly": "MAP(VARCHAR, DOUBLE)"}}]}}
{%- endset -%}

with

bodies as (

    select
        payload_seq,
        fetched_at,
        mode,
        from_json(body, '{{ body_shape }}') as parsed
    from {{ source('raw', 'data_gov_sg') }}
    where source = 'data_gov_sg' and status = 'ok' {{ and_newer_in_ranges() }}

),

hours as (

    select
        payload_seq,
        fetched_at,
        mode,
        unnest(parsed.data.items) as item
    from bodies

),

regions as (

    select
        payload_seq,
        fetched_at,
        mode,
        {{ utc_from_text('item.timestamp', 28800) }} as observed_at,
        {{ utc_from_text('item.updatedTimestamp', 28800) }} as updated_at,
        unnest(map_keys(item.readings.pm25_one_hourly)) as region,
        unnest(map_values(item.readings.pm25_one_hourly)) as pm2_5_ugm3
    from hours

),

final as (

    select
        ---------- ids
        payload_seq,
        region,

        ---------- times
        fetched_at,
        mode,
        observed_at,
        updated_at,

        ---------- measures
        pm2_5_ugm3
    from regions

)

select * from final
