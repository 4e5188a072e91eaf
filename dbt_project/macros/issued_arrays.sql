{#
    Weather forecasts as arrays of 48 hours after an origin, each hour from the newest forecast available at the origin.

    Expects a cte `hours` (rows of int_forecasts_issued) and a cte `origins (place_id, origin_at)` before it and leaves
    `issued_arrays (place_id, variable, origin_at, issued, lead)` behind; lead is in hours from availability to target.
    Of past runs there is a forecast of each whole age in days: which age an hour ahead has, its distance says. Of the
    bodies fetched as forecasts the newest one counts, with the holes in it filled from the one before.
#}
{% macro issued_arrays() %}
ages as (
    select
        {% for n in (1, 2, 3) %}
        {{ 24 * n }} - lag_h as h{{ n }},
        {% endfor %}
    from (select min(24 * days_before - known_before_h) as lag_h from hours where days_before > 0)
),

-- 24 slots a day, one aggregate each: cheaper than an ordered list
age_arrays as (
    select
        place_id,
        variable,
        days_before,
        target_at::date as day,
        [{% for h in range(24) %}arg_max(value, payload_seq) filter (where hour(target_at) = {{ h }}){{ ', ' if not loop.last }}{% endfor %}]
            as day_values,
    from hours
    where days_before > 0
    group by all
),

-- one array a day and age, its holes filled from older runs
day_arrays as (
    select
        place_id,
        variable,
        day,
        {% for n in (1, 2, 3) %}
        list_transform(v{{ n }}, lambda x, i: coalesce(x{% for o in range(n + 1, 4) %}, v{{ o }}[i]{% endfor %})) as v{{ n }},
        list_transform(v{{ n }}, lambda x, i: case {% for o in range(n, 4) %}when v{{ o }}[i] is not null then h{{ o }} {% endfor %}end)
            as l{{ n }},
        {% endfor %}
    from (
        select
            place_id,
            variable,
            day,
            {% for n in (1, 2, 3) %}
            coalesce(any_value(day_values) filter (where days_before = {{ n }}), list_resize([]::double[], 24)) as v{{ n }},
            {% endfor %}
        from age_arrays
        group by place_id, variable, day
    )
    cross join ages
),

days as (
    select
        place_id,
        variable,
        unnest(generate_series(min(day) - interval 2 day, max(day), interval 1 day))::date as day,
    from day_arrays
    group by place_id, variable
),

day_windows as (
    select
        days.place_id,
        days.variable,
        days.day,
        {% for n in (1, 2, 3) %}
        list_resize(flatten(list(coalesce(v{{ n }}, list_resize([]::double[], 24))) over next_days), 72) as v{{ n }},
        list_resize(flatten(list(coalesce(l{{ n }}, list_resize([]::integer[], 24))) over next_days), 72) as l{{ n }},
        {% endfor %}
    from days
    left join day_arrays
        on days.place_id = day_arrays.place_id and days.variable = day_arrays.variable and days.day = day_arrays.day
    window
        next_days as (
            partition by days.place_id, days.variable order by days.day rows between current row and 2 following
        )
),

-- position hour + 1 + h is the hour h after the origin
past_runs as (
    select
        origins.place_id,
        origins.origin_at,
        day_windows.variable,
        {% for name in ('v', 'l') %}
        list_concat(
            list_concat({{ name }}1[first_h + 1:first_h + least(h1, 48)], {{ name }}2[first_h + 1 + least(h1, 48):first_h + least(h2, 48)]),
            {{ name }}3[first_h + 1 + least(h2, 48):first_h + least(h3, 48)]
        ) as {{ 'issued' if name == 'v' else 'lead' }},
        {% endfor %}
    from (select *, hour(origin_at) + 1 as first_h from origins) as origins
    cross join ages
    inner join day_windows
        on origins.place_id = day_windows.place_id and origins.origin_at::date = day_windows.day
),

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
),

issued_arrays as (
    select
        place_id,
        variable,
        origin_at,
        case
            when newest_bodies.issued is null then past_runs.issued
            when past_runs.issued is null then newest_bodies.issued
            else list_transform(past_runs.issued, lambda x, i: case
                when newest_bodies.lead[i] <= coalesce(past_runs.lead[i], newest_bodies.lead[i])
                    then newest_bodies.issued[i]
                else x
            end)
        end::float[48] as issued,
        case
            when newest_bodies.lead is null then past_runs.lead
            when past_runs.lead is null then newest_bodies.lead
            else list_transform(past_runs.lead, lambda x, i: least(x, newest_bodies.lead[i]))
        end::float[48] as lead,
    from past_runs
    full join newest_bodies using (place_id, variable, origin_at)
)
{% endmacro %}


{# The origin after the newest of the three-hourly ones that are built. #}
{% macro issued_next_at(relation) %}
    select coalesce(max(origin_at), timestamp '0001-01-01') + interval 1 hour
    from {{ relation }}
    where hour(origin_at) % 3 = 0
{% endmacro %}


{# The oldest origin to build: the run's own, the next one, or the first at which a later forecast was available. #}
{% macro issued_oldest_at(next_at, built_seq) %}
    select least(date_trunc('hour', {{ as_of() }}), {{ next_at }}, min(available_at))
    from {{ ref('int_forecasts_issued') }}
    where payload_seq > {{ built_seq }}
{% endmacro %}
