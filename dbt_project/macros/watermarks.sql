{# Staging: bodies with a higher payload_seq than any already parsed. payload_seq rises by one under the one-writer rule. #}
{% macro and_newer_than_staged() -%}
    {%- if is_incremental() -%}
        and payload_seq > {{ scalar('select coalesce(max(payload_seq), 0) from ' ~ this) }}
    {%- endif -%}
{%- endmacro %}


{% macro scalar(query) -%}
    {%- if execute -%}
        {%- do return(run_query(query).columns[0].values()[0]) -%}
    {%- else -%}
        {%- do return(0) -%}
    {%- endif -%}
{%- endmacro %}
