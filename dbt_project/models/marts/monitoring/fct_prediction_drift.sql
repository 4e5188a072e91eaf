{{ config(materialized='table') }}
-- Two distributions side by side: what was published, and what came. An origin is one observation, whatever its hours:
-- they are right or wrong together.

with quantiles as (
    select
        is_use, dataset, model_version, series_id, origin_at::date as origin_day, actual,
        unnest([
            struct_pack(level := 0.05, q := q05), struct_pack(level := 0.10, q := q10),
            struct_pack(level := 0.25, q := q25), struct_pack(level := 0.50, q := q50),
            struct_pack(level := 0.75, q := q75), struct_pack(level := 0.90, q := q90),
            struct_pack(level := 0.95, q := q95)
        ], recursive := true)
    from {{ ref('int_first_days') }}
),

-- a truth on the quantile lies half below it
origins as (
    select
        is_use, dataset, model_version, series_id, origin_day, level::double as level,
        avg(case when actual < q then 1.0 when actual = q then 0.5 else 0.0 end) as below
    from quantiles
    group by all
    having count(*) >= 12
),

origins_and_all as (
    select * from origins
    union all by name
    select is_use, dataset, model_version, 'all' as series_id, origin_day, level, avg(below) as below
    from origins
    group by is_use, dataset, model_version, origin_day, level
),

levels as (
    select
        dataset, model_version, series_id, level,
        max(origin_day) filter (where is_use) as last_origin_day,
        count(*) filter (where is_use)::integer as n_origins,
        avg(below) filter (where is_use) as used,
        avg(below) filter (where not is_use) as promised,
        (used - promised) / greatest(stddev_samp(below) filter (where not is_use), 0.02)
        / sqrt(1.0 / n_origins + 1.0 / (count(*) filter (where not is_use))) as excess_sd
    from origins_and_all
    group by dataset, model_version, series_id, level
    having count(*) filter (where is_use) >= 7 and count(*) filter (where not is_use) >= 10
),

-- between samples of one size the first Wasserstein distance is the mean distance of their sorted values
distances as (
    select
        is_use, model_version, series_id,
        list_avg(list_transform(
            list_zip(list_sort(list(point)), list_sort(list(actual))), lambda pair: abs(pair[1] - pair[2])
        )) / greatest(stddev_pop(actual), 0.001) as distance,
        avg(point - actual) / greatest(stddev_pop(actual), 0.001) as bias
    from {{ ref('int_first_days') }}
    group by is_use, model_version, series_id
),

distances_and_all as (
    select * from distances
    union all by name
    select is_use, model_version, 'all' as series_id, avg(distance) as distance, avg(bias) as bias
    from distances
    group by is_use, model_version
),

sides as (
    select
        model_version, series_id,
        avg(distance) filter (where is_use) as distance, avg(distance) filter (where not is_use) as distance_promised,
        avg(bias) filter (where is_use) as bias, avg(bias) filter (where not is_use) as bias_promised
    from distances_and_all
    group by model_version, series_id
),

final as (
    select
        levels.dataset, levels.model_version, levels.series_id,
        max(levels.last_origin_day) as last_origin_day,
        max(levels.n_origins) as n_origins,
        any_value(sides.distance) as distance, any_value(sides.distance_promised) as distance_promised,
        any_value(sides.bias) as bias, any_value(sides.bias_promised) as bias_promised,
        list(levels.used order by levels.level) as below, list(levels.promised order by levels.level) as promised,
        arg_max(levels.level, abs(levels.excess_sd)) as worst_level,
        round(arg_max(levels.excess_sd, abs(levels.excess_sd)), 9) as worst_sd
    from levels
    inner join sides on levels.model_version = sides.model_version and levels.series_id = sides.series_id
    group by all
)

select * from final
