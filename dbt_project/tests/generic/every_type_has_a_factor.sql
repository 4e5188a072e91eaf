{# Fails with each production type of the newest bodies that the factors do not list: its power is in no total. #}
{% test every_type_has_a_factor(model, column_name, factors) %}

select distinct {{ column_name }}
from {{ model }}
where {{ column_name }} not in (select production_type from {{ factors }})

{% endtest %}
