{# For models of one source: only bodies with a higher payload_seq than any the model holds. payload_seq rises by one with
   every body under the one-writer rule; a body that gives no row is read again until a newer one gives some. #}
{% macro and_newer_than_held() -%}
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


{# The same as a literal of SQL. What stands in the query as a literal lets the engine leave the rest of a table unread. #}
{% macro scalar_timestamp(query) -%}
    timestamp '{{ scalar(query) }}'
{%- endmacro %}
