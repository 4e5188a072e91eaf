{# Which part of each series fct_observations builds: all of it at first; after that, series with news from the day of
   their oldest news (or of their old end, so that the grid has no hole) to their end. Flatness and the grid look backward
   only, so nothing before that day can change.
   Grain series_id: since, is_begun (hours before `since` are built already), stuck_after_hours. #}
{% macro spans_to_build(relation) -%}
    {%- if is_incremental() -%}
        with judged as (
            select series_id, observed_at, payload_seq, source, stuck_after_hours
            from {{ ref('int_readings_judged') }} inner join {{ ref('int_series_registered') }} using (series_id)
        )
        select
            news.series_id,
            news.stuck_after_hours,
            date_trunc('day', least(news.first_hour, max(built.observed_at))) as since,
            coalesce(min(built.observed_at) < since, false) as is_begun
        from (
            select series_id, coalesce(stuck_after_hours, 0) as stuck_after_hours, min(observed_at) as first_hour
            from ({{ new_readings('judged', relation) }})
            where observed_at is not null
            group by all
        ) as news
        left join {{ relation }} as built on news.series_id = built.series_id
        group by news.series_id, news.stuck_after_hours, news.first_hour
    {%- else -%}
        select
            series_id,
            coalesce(stuck_after_hours, 0) as stuck_after_hours,
            timestamp '0001-01-01' as since,
            false as is_begun
        from {{ ref('int_series_registered') }}
    {%- endif -%}
{%- endmacro %}


{# The oldest hour any span reads, as a literal: scans then skip the history before it. #}
{% macro oldest_hour_read(relation) -%}
    {%- if is_incremental() and execute -%}
        {%- set query -%}
            select coalesce(min(since) - to_hours(max(stuck_after_hours)::integer), timestamp '9999-01-01')
            from ({{ spans_to_build(relation) }})
        {%- endset -%}
        {%- do return("timestamp '" ~ scalar(query) ~ "'") -%}
    {%- endif -%}
    {%- do return("timestamp '0001-01-01'") -%}
{%- endmacro %}
