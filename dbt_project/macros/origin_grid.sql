{# The origins of history, every three hours, from the first one not before `from_at` to the clock. #}
{% macro origin_grid(from_at) -%}
    generate_series(
        time_bucket(interval 3 hour, {{ from_at }} + interval 179 minute),
        time_bucket(interval 3 hour, {{ as_of() }}),
        interval 3 hour
    )
{%- endmacro %}
