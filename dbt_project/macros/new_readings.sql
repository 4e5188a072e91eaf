{# Readings a model has not seen: of each source what is newer than its newest row, and everything of a series it does not
   hold yet, so that a series added to the seeds is filled from bodies parsed long ago. Literal bounds let scans skip history. #}
{% macro where_not_yet_in(relation) -%}
    {%- if is_incremental() -%}
        where {{ not_yet_in(relation) }}
    {%- endif -%}
{%- endmacro %}


{% macro not_yet_in(relation) -%}
    {%- if not execute -%}
        {%- do return('true') -%}
    {%- endif -%}
    {%- set query -%}
        select series.source, series.series_id, max(held.payload_seq) as payload_seq
        from {{ ref('int_series_registered') }} as series
        left join {{ relation }} as held on series.series_id = held.series_id
        group by all
        order by all
    {%- endset -%}
    {%- set newest = {} -%}
    {%- set new_series = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- if row[2] is none -%}
            {%- do new_series.append("'" ~ row[1] | replace("'", "''") ~ "'") -%}
        {%- else -%}
            {%- do newest.update({row[0]: [newest.get(row[0], 0), row[2]] | max}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set terms = [] -%}
    {%- for source, payload_seq in newest.items() -%}
        {%- do terms.append("(source = '" ~ source | replace("'", "''") ~ "' and payload_seq > " ~ payload_seq ~ ")") -%}
    {%- endfor -%}
    {%- if new_series -%}
        {%- do terms.append('series_id in (' ~ new_series | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- do return('(' ~ terms | join(' or ') ~ ')' if terms else 'true') -%}
{%- endmacro %}
