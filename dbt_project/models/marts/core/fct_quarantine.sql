with

refused as (select * from {{ ref('int_readings_judged') }} where reason is not null),

series as (select * from {{ ref('int_series_registered') }}),

final as (

    select
        ---------- ids
        refused.series_id,
        refused.payload_seq,
        series.source,

        ---------- times
        refused.observed_at,
        refused.known_at as fetched_at,

        ---------- measures
        refused.value,
        refused.reason
    from refused
    inner join series on refused.series_id = series.series_id

)

select * from final
