{{ config(materialized='table') }}
-- A label counts from when it was known, a revised one from its revision: an origin takes the newest running count at
-- or before itself. Narrow on purpose, as an asof join sorts whatever its left side carries.
with origins as (
    select series_id, dataset, variable, origin_at
    from {{ ref('fct_all_origin_features') }}
    where hour(origin_at) % 6 = 0 or origin_at = (select max(origin_at) from {{ ref('fct_all_origin_features') }})
),

asked as (
    select
        rules.rule_id,
        rules.event_hash,
        origins.series_id,
        origins.origin_at,
        month(origins.origin_at + to_hours(rules.lead_h)) as month_of_year,
        hour(origins.origin_at + to_hours(rules.lead_h)) // 6 as quarter_of_day
    from origins
    inner join {{ ref('dim_alert_rules') }} as rules
        on origins.dataset = rules.dataset and origins.variable = rules.variable
),

known_outcomes as (
    select
        rule_id,
        series_id,
        label_known_at,
        is_event,
        month(window_start) as month_of_year,
        hour(window_start) // 6 as quarter_of_day
    from {{ ref('fct_alert_outcomes') }}
    where is_event is not null
),
{{ alert_running_counts('known_outcomes') }}

final as (
    select
        asked.rule_id,
        asked.event_hash,
        asked.series_id,
        asked.origin_at,
        coalesce(past.n, 0)::integer as n_past,
        coalesce(past.n_events, 0)::integer as n_events_past,
        coalesce(season.n, 0)::integer as n_season,
        coalesce(season.n_events, 0)::integer as n_events_season,
        coalesce(everywhere.n, 0)::integer as n_everywhere,
        coalesce(everywhere.n_events, 0)::integer as n_events_everywhere,
        (coalesce(past.n, 0) - coalesce(a_month_ago.n, 0))::integer as n_month,
        (coalesce(past.n_events, 0) - coalesce(a_month_ago.n_events, 0))::integer as n_events_month,
        greatest(past.label_known_at, season.label_known_at, everywhere.label_known_at) as known_at
    from asked
    {{- join_alert_count('past') }}
    {{- join_alert_count('season') }}
    {{- join_alert_count('everywhere') }}
    {{- join_alert_count('past', 'a_month_ago', 'asked.origin_at - interval 30 day') }}
)

select * from final
