{# Fails with each rule and feature that parts events from non-events without a single error: such a column knows the
   answer. Asked of rules with at least `least` rows of either kind. #}
{% test does_not_reveal_the_label(model, label, features, least=100) %}

with ranges as materialized (
    select
        rule_id,
        {% for feature in features %}
        min({{ feature }}) filter ({{ label }}) as event_min_{{ feature }},
        max({{ feature }}) filter ({{ label }}) as event_max_{{ feature }},
        min({{ feature }}) filter (not {{ label }}) as other_min_{{ feature }},
        max({{ feature }}) filter (not {{ label }}) as other_max_{{ feature }},
        {% endfor %}
    from {{ model }}
    where {{ label }} is not null
    group by rule_id
    having count(*) filter ({{ label }}) >= {{ least }} and count(*) filter (not {{ label }}) >= {{ least }}
)

{% for feature in features %}
select rule_id, '{{ feature }}' as feature
from ranges
where event_min_{{ feature }} > other_max_{{ feature }} or event_max_{{ feature }} < other_min_{{ feature }}
{{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
