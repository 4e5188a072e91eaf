{# Fails with each row for which the expression is false or null. #}
{% test expression_is_true(model, expression, column_name=none) %}

select *
from {{ model }}
where ({{ column_name ~ ' ' if column_name }}{{ expression }}) is distinct from true

{% endtest %}
