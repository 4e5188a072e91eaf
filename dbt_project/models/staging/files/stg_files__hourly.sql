{%- set body_shape -%}
{"time": ["VARCHAR"], "utc_offset_seconds": "BIGINT", "columns": "MAP(VARCHAR, VARCHAR[])"}
{%- endset -%}

with

bodies as (

    select
        payload_seq,
        subject,
        fetched_at,
        mode,
        from_json(body, '{{ body_shape }}') as parsed
    from {{ source('raw', 'files') }}
    where source = 'files' and status = 'ok' {{ and_newer_in_ranges() }}

),

variables as (

    select
        payload_seq,
        subject,
        fetched_at,
        mode,
        parsed.utc_offset_seconds as utc_offset_seconds,
        parsed.time as stamps,
        unnest(map_entries(parsed.columns)) as filled
    from bodies

),

cells as (

    select
        payload_seq,
        subject,
        fetched_at,
        mode,
        utc_offset_seconds,
        filled.key as variable,
        unnest(stamps) as stamp_text,
        unnest(filled.value) as value_text
    from variables

),

final as (

    select
        ---------- ids
        payload_seq,
        subject,
        variable,

        ---------- times
        fetched_at,
        mode,
        {{ utc_from_text('stamp_text', 'utc_offset_seconds') }} as observed_at,
        stamp_text,

        ---------- measures
        value_text,
        try_cast(value_text as double) as value
    from cells
    where trim(value_text) <> ''

)

select * from final
