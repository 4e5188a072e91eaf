with

-- bodies overlap: the same refused reading comes again and again, and counts when it first came
refused as (

    select *
    from {{ ref('int_readings_judged') }}
    where reason is not null
    qualify row_number() over (partition by series_id, observed_at, value, reason order by payload_seq) = 1

),

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
