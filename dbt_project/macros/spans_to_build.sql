{# Which part of each series fct_observations builds, as rows (series_id, stuck_after_hours, since, is_begun), read once:
   series with news from the day of their oldest news (or of their old end, so that the grid has no hole) to their end.
   Flatness and the grid look backward only, so nothing before that day can change. None means all of every series. #}
{% macro spans_to_build(relation) -%}
    {%- if not (execute and is_incremental()) -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- set query -%}
        with judged as (
            select series_id, observed_at, payload_seq, source, coalesce(stuck_after_hours, 0) as stuck_after_hours
            from {{ ref('int_readings_judged') }} inner join {{ ref('int_series_registered') }} using (series_id)
        ),
        news as (
            select series_id, stuck_after_hours, min(observed_at) as first_hour
            from ({{ new_readings('judged', relation) }})
            where observed_at is not null
            group by all
        ),
        built as (
            select series_id, min(observed_at) as first_hour, max(observed_at) as last_hour
            from {{ relation }}
            group by series_id
        )
        select
            news.series_id,
            news.stuck_after_hours,
            date_trunc('day', least(news.first_hour, built.last_hour)) as since,
            coalesce(built.first_hour < since, false) as is_begun
        from news left join built on news.series_id = built.series_id
        order by series_id
    {%- endset -%}
    {%- do return(run_query(query).rows) -%}
{%- endmacro %}


{% macro spans_as_rows(spans) -%}
    {%- if spans is none -%}
        select
            series_id,
            coalesce(stuck_after_hours, 0) as stuck_after_hours,
            timestamp '0001-01-01' as since,
            false as is_begun
        from {{ ref('int_series_registered') }}
    {%- else -%}
        select
            span.series_id::varchar as series_id,
            span.stuck_after_hours::integer as stuck_after_hours,
            span.since::timestamp as since,
            span.is_begun::boolean as is_begun
        from (
            values
            {%- for series_id, stuck_after_hours, since, is_begun in spans %}
            ('{{ series_id | replace("'", "''") }}', {{ stuck_after_hours }}, '{{ since }}', {{ is_begun }}),
            {%- endfor %}
            (null, null, null, null)
        ) as span(series_id, stuck_after_hours, since, is_begun)
        where span.series_id is not null
    {%- endif -%}
{%- endmacro %}


{# The oldest hour that any span reads, as a literal: scans then skip the history before it. #}
{% macro oldest_hour_of(spans) -%}
    {%- if spans is none -%}
        {%- do return("timestamp '0001-01-01'") -%}
    {%- elif not spans -%}
        {%- do return("timestamp '9999-01-01'") -%}
    {%- endif -%}
    {%- set longest = spans | map(attribute=1) | max -%}
    {%- do return("timestamp '" ~ (spans | map(attribute=2) | min) ~ "' - interval " ~ longest ~ ' hour') -%}
{%- endmacro %}
