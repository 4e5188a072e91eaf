{# Which part of each series fct_observations builds, as rows (series_id, stuck_after_hours, since, is_begun): series with
   news from the day of their oldest news (or of their old end, so that the grid has no hole) to their end. Flatness and
   the grid look backward only, so nothing before that day can change. None means all of every series. #}
{% macro spans_to_build(relation) -%}
    {%- if not (execute and is_incremental()) -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- set held = held_series(relation) -%}
    {%- do drop_unregistered(relation, held) -%}
    {%- set query -%}
        with judged as not materialized (
            select series_id, observed_at, payload_seq, source
            from {{ ref('int_readings_judged') }} inner join {{ ref('int_series_registered') }} using (series_id)
            where observed_at is not null
        )
        {%- for predicate in not_yet_in(held) %}
        {{ 'union all' if not loop.first }}
        select series_id, strftime(min(observed_at), '%Y-%m-%d 00:00:00') as news_day
        from judged where {{ predicate }}
        group by series_id
        {%- endfor %}
    {%- endset -%}
    {%- set news = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do news.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- set spans = [] -%}
    {%- for source, series_id, payload_seq, first_hour, last_day, stuck_after_hours in held if series_id in news -%}
        {%- set since = [news[series_id], last_day or news[series_id]] | min -%}
        {%- do spans.append((series_id, stuck_after_hours, since, first_hour is not none and first_hour < since)) -%}
    {%- endfor -%}
    {%- do return(spans) -%}
{%- endmacro %}


{# A series taken out of the seeds leaves, as it would in a full refresh. #}
{% macro drop_unregistered(relation, held) -%}
    {%- set gone = [] -%}
    {%- for row in held if row[0] is none -%}
        {%- do gone.append("'" ~ row[1] | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {%- if gone and flags.WHICH in ('build', 'run') -%}
        {%- do run_query('delete from ' ~ relation ~ ' where series_id in (' ~ gone | join(', ') ~ ')') -%}
    {%- endif -%}
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
