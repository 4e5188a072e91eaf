{# Fails with each row whose time is empty, or begins before the one before it in its partition has ended. #}
{% test no_overlap(model, partition_by, starts, ends) %}

with periods as (
    select
        *,
        lag({{ ends }}, 1, {{ starts }}) over (partition by {{ partition_by }} order by {{ starts }}) as previous_end
    from {{ model }}
)

select {{ partition_by }}, {{ starts }}, {{ ends }}, previous_end
from periods
where {{ starts }} < coalesce(previous_end, 'infinity'::timestamp) or {{ ends }} <= {{ starts }}

{% endtest %}
