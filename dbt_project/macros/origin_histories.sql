{#
    The last 168 hours of a series as an origin knew them, newest first, and the mean of the 28 days before its day.

    Point in time: an hour counts only if its first version was known at the origin, with the value of the latest
    version known by then. Knowledge counts in whole hours: the run of ten past six answers for the origin of six, and
    knows what it has just fetched.

    Leaves `origin_histories (series_id, origin_at, history, mean_672)` behind; see origin_features.
#}
{% macro origin_histories(from_at) %}
hours as (
    select
        series_id,
        observed_at::date as day,
        hour(observed_at) as h,
        first_value::float as value,
        floor(epoch(first_known_at) / 3600)::integer as known_h,
    from {{ ref('fct_observations') }}
    where observed_at >= {{ from_at }} - interval 29 day
),

-- 24 slots a day, one aggregate each: five times faster than an ordered list
day_arrays as (
    select
        series_id,
        day,
        [{% for h in range(24) %}max(value) filter (where h = {{ h }}){{ ', ' if not loop.last }}{% endfor %}]
            as day_values,
        [{% for h in range(24) %}max(known_h) filter (where h = {{ h }}){{ ', ' if not loop.last }}{% endfor %}]
            as day_known,
        {
            'total': sum(value)::double, 'n': count(value)::integer, 'known_h': max(known_h)
        } as day_sum,
    from hours
    group by series_id, day
),

-- every day up to the last origin, so that a silent series is stale instead of absent
days as (
    select
        series_id,
        unnest(generate_series(first_day::timestamp, last_day::timestamp, interval 1 day))::date as day,
    from (
        select
            origins.series_id,
            min(day_arrays.day) as first_day,
            max(origins.origin_at)::date as last_day,
        from (select series_id, max(origin_at) as origin_at from origins group by series_id) as origins
        inner join day_arrays on origins.series_id = day_arrays.series_id
        group by origins.series_id
    )
),

day_windows as (
    select
        days.series_id,
        days.day,
        flatten(list(coalesce(day_values, list_resize([]::float[], 24))) over last_8_days) as window_values,
        flatten(list(coalesce(day_known, list_resize([]::integer[], 24))) over last_8_days) as window_known,
        list(day_sum) over (
            partition by days.series_id order by days.day rows between 28 preceding and 1 preceding
        ) as day_sums,
    from days
    left join day_arrays on days.series_id = day_arrays.series_id and days.day = day_arrays.day
    window last_8_days as (partition by days.series_id order by days.day rows 7 preceding)
),

-- position 8 * 24 is the last hour of the origin's day; a young series has a shorter window, padded in front
slices as (
    select
        series_id,
        origin_at,
        origin_h,
        list_reverse(list_concat(
            list_resize([]::float[], 192 - len(window_values)), window_values
        )[hour(origin_at) + 2:hour(origin_at) + 169]) as slice_values,
        list_reverse(list_concat(
            list_resize([]::integer[], 192 - len(window_known)), window_known
        )[hour(origin_at) + 2:hour(origin_at) + 169]) as slice_known,
        list_filter(day_sums, lambda d: d.n > 0 and d.known_h <= origin_h) as known_days,
    from (
        select
            origins.origin_at,
            (epoch(origins.origin_at) / 3600)::integer as origin_h,
            day_windows.*,
        from origins
        inner join day_windows
            on origins.series_id = day_windows.series_id and origins.origin_at::date = day_windows.day
    )
),

known as (
    select
        series_id,
        origin_at,
        list_sum(list_transform(known_days, lambda d: d.total)) / list_sum(list_transform(known_days, lambda d: d.n)) as mean_672,
        case
            when list_max(slice_known) <= origin_h then slice_values
            else list_transform(slice_values, lambda x, i: case when slice_known[i] <= origin_h then x end)
        end as history,
    from slices
),

-- hours revised since they were first known, as the origin knew them
revisions as (
    select
        origins.series_id,
        origins.origin_at,
        datediff('hour', versions.observed_at, origins.origin_at) + 1 as i,
        arg_max(versions.value, versions.version_no)::float as value,
    from {{ ref('int_observation_versions') }} as versions
    inner join origins
        on
            versions.series_id = origins.series_id
            and date_trunc('hour', versions.known_at) <= origins.origin_at
            and versions.observed_at <= origins.origin_at
            and versions.observed_at > origins.origin_at - interval 168 hour
    where versions.version_no > 1 and versions.observed_at >= {{ from_at }} - interval 8 day
    group by all
),

origin_histories as (
    select
        known.series_id,
        known.origin_at,
        known.mean_672,
        case
            when patches.patch is null then known.history
            else list_transform(known.history, lambda x, i: coalesce(patches.patch[i], x))
        end as history,
    from known
    left join (
        select series_id, origin_at, map_from_entries(list((i, value))) as patch from revisions group by all
    ) as patches
        on known.series_id = patches.series_id and known.origin_at = patches.origin_at
)
{% endmacro %}
