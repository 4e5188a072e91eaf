{# The origin after the newest of the three-hourly ones that are built. #}
{% macro issued_next_at(relation) %}
    select coalesce(max(origin_at), timestamp '0001-01-01') + interval 1 hour
    from {{ relation }}
    where hour(origin_at) % 3 = 0
{% endmacro %}


{# The oldest origin to build: the run's own, the next one, or the first at which a later forecast was available. #}
{% macro issued_oldest_at(next_at, built_seq) %}
    select least(date_trunc('hour', {{ as_of() }}), {{ next_at }}, min(available_at))
    from {{ ref('int_forecasts_issued') }}
    where payload_seq > {{ built_seq }}
{% endmacro %}
