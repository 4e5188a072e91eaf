{#
    What was known of a series at an origin, as one row: the last 168 hours one by one, newest first, and summaries of them.

    Expects a cte `origins (series_id, origin_at)` before it and leaves a cte `origin_features` behind. Both feature marts
    call this macro, so history and live are the same SQL.
    `from_at`: SQL of the oldest origin asked for; nothing observed more than 29 days before it is read.
#}
{% macro origin_features(from_at) %}
{{ origin_histories(from_at) }},

origin_features as (
    select
        origin_histories.series_id,
        series.dataset,
        series.place_id,
        series.variable,
        series.is_target,
        origin_histories.origin_at,
        origin_histories.history::float[168] as history,
        list_filter(origin_histories.history, lambda x: x is not null)[1] as last_value,
        list_position(list_transform(origin_histories.history, lambda x: x is not null), true) - 1 as staleness_h,
        list_count(origin_histories.history[1:24])::integer as n_known_24,
        list_count(origin_histories.history)::integer as n_known_168,
        list_avg(origin_histories.history[1:3])::float as mean_3,
        list_avg(origin_histories.history[1:6])::float as mean_6,
        list_avg(origin_histories.history[1:12])::float as mean_12,
        list_avg(origin_histories.history[1:24])::float as mean_24,
        list_avg(origin_histories.history[1:72])::float as mean_72,
        list_avg(origin_histories.history)::float as mean_168,
        origin_histories.mean_672::float as mean_672,
        list_stddev_samp(origin_histories.history[1:24])::float as std_24,
        list_min(origin_histories.history[1:24]) as min_24,
        list_max(origin_histories.history[1:24]) as max_24,
    from origin_histories
    inner join {{ ref('dim_series') }} as series on origin_histories.series_id = series.series_id
)
{% endmacro %}
