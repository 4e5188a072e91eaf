{# The clock of a run as a SQL timestamp in UTC: --vars as_of, else SKYDUCK_AS_OF, else now.
   The environment is the quick way: another --vars makes dbt parse the whole project again. #}
{% macro as_of() -%}
    {%- set at = var('as_of', none) or (env_var('SKYDUCK_AS_OF', '') if execute else '') -%}
    {%- if at -%}
        cast('{{ at }}' as timestamp)
    {%- else -%}
        cast(current_timestamp at time zone 'UTC' as timestamp)
    {%- endif -%}
{%- endmacro %}
