{{ config(materialized='view') }}
-- Per rule and origin: what was known at the origin, how often the event had come true by then, and the label.
with origins as (
    select * exclude (dataset, variable, is_target) from {{ ref('fct_all_origin_features') }}
),

asked as (
    select
        frequencies.* exclude (origin_at, series_id, known_at),
        origins.*,
        rules.dataset,
        rules.variable,
        origins.origin_at + to_hours(rules.lead_h) as window_start,
        origins.origin_at + to_hours(rules.lead_h + rules.window_h) as window_end,
        case
            when list_count(origins.history[1:rules.window_h]) >= {{ alert_least_hours('rules.window_h') }}
                then {{ alert_statistic('rules.statistic', 'origins.history[1:rules.window_h]', of='list_') }}
        end as persisted
    from origins
    inner join {{ ref('fct_alert_frequencies') }} as frequencies
        on origins.series_id = frequencies.series_id and origins.origin_at = frequencies.origin_at
    inner join {{ ref('dim_alert_rules') }} as rules on frequencies.rule_id = rules.rule_id
),

final as (
    select
        asked.*,
        series.latitude,
        timezone(series.timezone, timezone('UTC', asked.window_start)) as local_window_start,
        outcomes.actual,
        outcomes.is_event,
        outcomes.label_known_at
    from asked
    inner join {{ ref('dim_series') }} as series on asked.series_id = series.series_id
    left join {{ ref('fct_alert_outcomes') }} as outcomes
        on
            asked.rule_id = outcomes.rule_id
            and asked.event_hash = outcomes.event_hash
            and asked.series_id = outcomes.series_id
            and asked.origin_at = outcomes.origin_at
)

select * from final
