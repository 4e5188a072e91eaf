{#
    The part of issued_arrays that the bodies fetched as forecasts tell: the newest one counts, with the holes in it
    filled from the one before. Leaves `newest_bodies (place_id, variable, origin_at, issued, lead)` behind.
#}
{% macro issued_bodies() %}
bodies as (
    select place_id, variable, available_at, target_at, arg_max(value, payload_seq) as value
    from hours
    where days_before = 0
    group by all
),

body_hours as (
    select
        place_id,
        variable,
        available_at,
        available_at + to_hours(unnest(range(1, 97))) as target_at,
    from (select distinct place_id, variable, available_at from bodies)
),

body_arrays as (
    select
        place_id,
        variable,
        available_at,
        list(value order by target_at) as issued,
        list(datediff('hour', known_at, target_at) order by target_at) as lead,
    from (
        select
            place_id,
            variable,
            body_hours.available_at,
            target_at,
            last_value(bodies.value ignore nulls) over so_far as value,
            last_value(bodies.available_at ignore nulls) over so_far as known_at,
        from body_hours
        left join bodies using (place_id, variable, available_at, target_at)
        window so_far as (partition by place_id, variable, target_at order by body_hours.available_at)
    )
    group by all
),

newest_bodies as (
    select
        place_id,
        variable,
        origin_at,
        list_resize(issued[ahead_h + 1:ahead_h + 48], 48) as issued,
        list_resize(lead[ahead_h + 1:ahead_h + 48], 48) as lead,
    from (
        select origins.*, issued, lead, datediff('hour', available_at, origin_at) as ahead_h
        from (select * from origins cross join (select distinct variable from bodies)) as origins
        asof inner join body_arrays
            on
                origins.place_id = body_arrays.place_id
                and origins.variable = body_arrays.variable
                and origins.origin_at >= body_arrays.available_at
    )
)
{% endmacro %}
