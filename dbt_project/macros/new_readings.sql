{# What a model holds of each series: rows (source, series_id, newest payload_seq, first hour, last day, stuck_after_hours).
   The middle three are null for a registered series that it does not hold, the source for one that is registered no more.
   One scan of the model, from which all bounds of a run are taken; times are text, which sorts as they do. #}
{% macro held_series(relation) -%}
    {%- set query -%}
        select
            series.source,
            coalesce(series.series_id, held.series_id) as series_id,
            held.payload_seq,
            strftime(held.first_hour, '%Y-%m-%d %H:%M:%S') as first_hour,
            strftime(held.last_hour, '%Y-%m-%d 00:00:00') as last_day,
            coalesce(series.stuck_after_hours, 0) as stuck_after_hours
        from {{ ref('int_series_registered') }} as series
        full join (
            select
                series_id,
                max(payload_seq) as payload_seq,
                min(observed_at) as first_hour,
                max(observed_at) as last_hour
            from {{ relation }}
            group by series_id
        ) as held on series.series_id = held.series_id
        order by series_id
    {%- endset -%}
    {%- do return(run_query(query).rows if execute else []) -%}
{%- endmacro %}


{# Readings that a model does not hold yet, as predicates over (source, series_id, payload_seq) that exclude one another:
   of each source what is newer than its newest row, and everything of a series that has no row at all, so that a series
   added to the seeds is filled from bodies parsed long ago. One predicate each, with literal bounds: a scan can then skip
   history, which an `or` of the two would make it read. #}
{% macro not_yet_in(held) -%}
    {%- set newest = {} -%}
    {%- set absent = [] -%}
    {%- for row in held if row[0] is not none -%}
        {%- if row[2] is none -%}
            {%- do absent.append("'" ~ row[1] | replace("'", "''") ~ "'") -%}
        {%- else -%}
            {%- do newest.update({row[0]: [newest.get(row[0], 0), row[2]] | max}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set bounds = [] -%}
    {%- for source, payload_seq in newest.items() -%}
        {%- do bounds.append("(source = '" ~ source | replace("'", "''") ~ "' and payload_seq > " ~ payload_seq ~ ")") -%}
    {%- endfor -%}
    {%- set newer = '(' ~ (bounds | join(' or ') or 'false') ~ ')' -%}
    {%- set predicates = [newer] -%}
    {%- if absent -%}
        {%- do predicates.append('series_id in (' ~ absent | join(', ') ~ ') and not ' ~ newer) -%}
    {%- endif -%}
    {%- do return(predicates) -%}
{%- endmacro %}


{# Every row of `readings` on a first build, the new ones after that. #}
{% macro new_readings(readings, relation) -%}
    {%- set registered = ref('int_series_registered') -%}  {# named outside the branch, so that dbt sees the dependency #}
    {%- for predicate in (not_yet_in(held_series(relation)) if is_incremental() else ['true']) -%}
        {{ 'union all' if not loop.first }}
        select * from {{ readings }} where {{ predicate }}
    {%- endfor -%}
{%- endmacro %}
