{#
    The part of issued_arrays that past runs tell: of them there is a forecast of each whole age in days; which age an
    hour ahead has, its distance says. Leaves `past_runs (place_id, variable, origin_at, issued, lead)` behind.
#}
{% macro issued_past_runs() %}
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
)
{% endmacro %}
