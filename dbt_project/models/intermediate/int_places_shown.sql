-- a private place that left the seeds stays hidden: what was received for it is still there
{%- set is_hidden = 'places.is_private or places.place_id is null' %}
with

-- the column may be missing: then no place is private
places as (

    select * from {{ ref('places') }}
    union all by name
    select null::boolean as is_private where false

),

private_places as (select * from {{ ref('stg_ledger__private_places') }}),

final as (

    select
        ---------- ids
        coalesce(places.place_id, private_places.place_id) as place_id,
        case when {{ is_hidden }} then private_places.shown_id else places.place_id end as shown_id,

        ---------- what and where
        case when {{ is_hidden }} then private_places.shown_id else places.name end as name,
        places.country,
        case when places.is_private then round(places.latitude, 1) else places.latitude end as latitude,
        case when places.is_private then round(places.longitude, 1) else places.longitude end as longitude,
        places.timezone,

        ---------- flags
        coalesce({{ is_hidden }}, false) as is_private
    from places
    full join private_places on places.place_id = private_places.place_id

)

select * from final
