{#
    Per series: the first origin to build again. New readings reach back to the first origin that could have known them;
    without any, the series goes on after the newest origin of the mart.
#}
{% macro origin_features_starts() %}
    select
        newest.series_id,
        least(coalesce(changed.from_at, newest.from_at), newest.from_at) as from_at,
    from (
        select
            series.series_id,
            coalesce(max(built.origin_at) + interval 1 hour, min(series.first_observed_at)) as from_at,
        from {{ ref('dim_series') }} as series
        left join {{ this }} as built on series.series_id = built.series_id
        where series.first_observed_at is not null
        group by series.series_id
    ) as newest
    left join (
        select series_id, min(greatest(observed_at, date_trunc('hour', known_at))) as from_at
        from {{ ref('int_observation_versions') }}
        where payload_seq > (select coalesce(max(built_from_seq), 0) from {{ this }})
        group by series_id
    ) as changed
        on newest.series_id = changed.series_id
{% endmacro %}


{% macro origin_features_from() %}
    select coalesce(min(from_at), {{ as_of() }}) from ({{ origin_features_starts() }})
{% endmacro %}
