{# Age of a source on the run's own clock, so that a replay of last year is judged by last year's time.
   A source that has stored no body yet has no age: fct_loads names the one that should have. #}
{% macro duckdb__collect_freshness(source, loaded_at_field, filter) %}
    {% call statement('collect_freshness', fetch_result=True, auto_begin=False) -%}
        select
            coalesce(max({{ loaded_at_field }}), {{ as_of() }}) as max_loaded_at,
            {{ as_of() }} as snapshotted_at
        from {{ source }}
        {% if filter %}where {{ filter }}{% endif %}
    {% endcall %}
    {{ return(load_result('collect_freshness')) }}
{% endmacro %}
