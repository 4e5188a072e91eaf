{# The oldest window to score again: of runs without a score yet, and of those that hold an hour which came or changed since
   the newest truth scored. One literal, so that the rest of history is not read. #}
{% macro unscored_alerts_since(relation) -%}
    {%- set scored_seq = scalar('select coalesce(max(truth_seq), -1) from ' ~ relation) -%}
    with runs as (
        select run_id, min(window_start) as window_start
        from {{ source('ml', 'alert_probabilities') }}
        group by run_id
    ),

    changed as (
        select min(observed_at) as observed_at from {{ ref('fct_observations') }} where payload_seq > {{ scored_seq }}
    )

    select coalesce(least(
        (select min(window_start) from runs where run_id not in (select distinct run_id from {{ relation }})),
        case
            when observed_at is not null then greatest(observed_at - interval 48 hour, (select min(window_start) from runs))
        end
    ), {{ as_of() }})
    from changed
{%- endmacro %}
