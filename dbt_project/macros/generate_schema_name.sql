{# Schemas are named as configured (raw, staging, marts, ml), with no prefix: one database per target keeps targets apart. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
