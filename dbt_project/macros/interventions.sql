{# Overrides and silences: each is two events at most, its making and its end. #}
{% macro interventions_made(events, key, columns) %}
with added as (
    select * from {{ events }} where action = 'add'
),

cancelled as (
    select * from {{ events }} where action = 'cancel'
),

final as (
    select
        added.{{ key }}_id,
        added.event_seq as {{ key }}_seq,
        {% for column in columns %}
        added.{{ column }},
        {% endfor %}
        added.reason,
        added.actor,
        added.event_at as created_at,
        cancelled.event_at as cancelled_at,
        cancelled.actor as cancelled_by,
        cancelled.reason as cancel_reason
    from added
    left join cancelled on added.{{ key }}_id = cancelled.{{ key }}_id
)

select * from final
{% endmacro %}

{# The end of one of the relation `made`, as it was known by the as-of clock. #}
{% macro intervention_end(window_to) %}
case when made.cancelled_at <= {{ as_of() }} then made.cancelled_at end as cancelled_at,
        case when made.cancelled_at <= {{ as_of() }} then made.cancelled_by end as cancelled_by,
        case when made.cancelled_at <= {{ as_of() }} then made.cancel_reason end as cancel_reason,
        coalesce(made.cancelled_at > {{ as_of() }}, true) and made.{{ window_to }} > {{ as_of() }} as is_active
{%- endmacro %}
