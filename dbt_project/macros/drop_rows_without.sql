{# For the pre-hook of an incremental model: rows whose key the other relation no longer has leave, as in a full refresh. #}
{% macro drop_rows_without(relation, parent, key) -%}
    {%- if is_incremental() -%}
        delete from {{ relation }}
        where ({{ key | join(', ') }}) not in (select {{ key | join(', ') }} from {{ parent }})
    {%- endif -%}
{%- endmacro %}
