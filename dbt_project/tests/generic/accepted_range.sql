{# Fails with each value below min_value, above max_value, or not finite; null passes. #}
{% test accepted_range(model, column_name, min_value=none, max_value=none) %}

select {{ column_name }}
from {{ model }}
where
    not isfinite(cast({{ column_name }} as double))
    or {{ column_name }} < {{ min_value if min_value is not none else "'-infinity'::double" }}
    or {{ column_name }} > {{ max_value if max_value is not none else "'infinity'::double" }}

{% endtest %}
