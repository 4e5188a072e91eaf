{# Readings that a model does not hold yet, as predicates over (source, series_id, payload_seq) that exclude one another:
   of each source what is newer than its newest row, and everything of a series that has no row at all, so that a series
   added to the seeds is filled from bodies parsed long ago. One predicate each, with literal bounds: a scan can then skip
   history, which an `or` of the two would make it read. #}
{% macro not_yet_in(relation) -%}
    {%- if not execute -%}
        {%- do return(['true']) -%}
    {%- endif -%}
    {%- set query -%}
        select series.source, series.series_id, held.payload_seq
        from {{ ref('int_series_registered') }} as series
        left join (
            select series_id, max(payload_seq) as payload_seq from {{ relation }} group by series_id
        ) as held on series.series_id = held.series_id
        order by all
    {%- endset -%}
    {%- set newest = {} -%}
    {%- set absent = [] -%}
    {%- for source, series_id, payload_seq in run_query(query).rows -%}
        {%- if payload_seq is none -%}
            {%- do absent.append("'" ~ series_id | replace("'", "''") ~ "'") -%}
        {%- else -%}
            {%- do newest.update({source: [newest.get(source, 0), payload_seq] | max}) -%}
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
    {%- for predicate in (not_yet_in(relation) if is_incremental() else ['true']) -%}
        {{ 'union all' if not loop.first }}
        select * from {{ readings }} where {{ predicate }}
    {%- endfor -%}
{%- endmacro %}
