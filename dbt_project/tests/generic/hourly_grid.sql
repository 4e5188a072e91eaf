{# Fails with each series whose rows are not one per full hour, without a hole, from its first hour to its last. #}
{% test hourly_grid(model, column_name, series_column) %}

select
    {{ series_column }},
    count(*) as n_rows,
    min({{ column_name }}) as first_hour,
    max({{ column_name }}) as last_hour
from {{ model }}
group by {{ series_column }}
having
    count(*) <> date_diff('hour', min({{ column_name }}), max({{ column_name }})) + 1
    or count(distinct {{ column_name }}) <> count(*)
    or bool_or({{ column_name }} <> date_trunc('hour', {{ column_name }}))

{% endtest %}
