{#
    The oldest target hour to score again: of runs without a score yet, and of hours whose truth came or changed since the
    newest truth scored. One literal, so that the rest of history is not read.
#}
{% macro unscored_since(relation) -%}
    {%- set scored_seq = scalar('select coalesce(max(truth_seq), -1) from ' ~ relation) -%}
    with runs as (
        select run_id, min(target_at) as target_at from {{ ref('fct_forecasts') }} group by run_id
    ),

    changed as (
        select min(observed_at) as observed_at from {{ ref('fct_observations') }} where payload_seq > {{ scored_seq }}
    )

    select coalesce(least(
        (select min(target_at) from runs where run_id not in (select distinct run_id from {{ relation }})),
        case when observed_at is not null then greatest(observed_at, (select min(target_at) from runs)) end
    ), {{ as_of() }})
    from changed
{%- endmacro %}
