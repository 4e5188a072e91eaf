{{ config(materialized='table') }}
-- The run's own origin, where it lies between two steps of the three-hourly grid: the same macro, the same features.
{% set origin_at = "date_trunc('hour', " ~ as_of() ~ ")" %}

with origins as (
    select
        series_id,
        {{ origin_at }} as origin_at
    from {{ ref('dim_series') }}
    where first_observed_at is not null and hour({{ origin_at }}) % 3 != 0
),

{{ origin_features(origin_at) }},

final as (
    select * from origin_features
)

select * from final
