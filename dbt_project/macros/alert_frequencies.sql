{# What the running counts of fct_alert_frequencies are counted by. #}
{% macro alert_frequency_keys() -%}
    {%- do return({
        'past': ['rule_id', 'series_id'],
        'season': ['rule_id', 'series_id', 'month_of_year', 'quarter_of_day'],
        'everywhere': ['rule_id'],
    }) -%}
{%- endmacro %}


{# One cte per key: outcomes and events known by each moment at which one became known. #}
{% macro alert_running_counts(outcomes) %}
{%- for name, key in alert_frequency_keys().items() %}

{{ name }} as (
    select
        {{ key | join(', ') }},
        label_known_at,
        sum(count(*)) over running as n,
        sum(count(*) filter (where is_event)) over running as n_events
    from {{ outcomes }}
    group by {{ key | join(', ') }}, label_known_at
    window running as (partition by {{ key | join(', ') }} order by label_known_at rows unbounded preceding)
),
{%- endfor %}
{% endmacro %}


{# The newest count at or before the origin. #}
{% macro join_alert_count(name, alias=none, before='asked.origin_at') %}
    {%- set alias = alias or name %}
    asof left join {{ name }}{{ ' as ' ~ alias if alias != name }}
        on
            {% for column in alert_frequency_keys()[name] -%}
            asked.{{ column }} = {{ alias }}.{{ column }}
            and {% endfor -%}
            {{ before }} >= {{ alias }}.label_known_at
{%- endmacro %}
