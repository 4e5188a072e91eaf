with told as (
    select distinct
        alerts.rule_id,
        alerts.event_hash,
        alerts.series_id,
        alerts.origin_at,
        rules.statistic,
        rules.direction,
        rules.threshold,
        rules.window_h
    from {{ source('ml', 'alert_probabilities') }} as alerts
    inner join {{ ref('dim_alert_rules') }} as rules
        on alerts.rule_id = rules.rule_id and alerts.event_hash = rules.event_hash
),

hours as (
    select
        *,
        origin_at - to_hours(unnest(range(window_h))) as observed_at
    from told
),

-- the newest version that the origin knew; knowledge counts in whole hours, as in the history of an origin
known as (
    select
        hours.*,
        arg_max(versions.value, versions.version_no) as value
    from hours
    inner join {{ ref('int_observation_versions') }} as versions
        on
            hours.series_id = versions.series_id
            and hours.observed_at = versions.observed_at
            and date_trunc('hour', versions.known_at) <= hours.origin_at
    group by all
),

windows as (
    select
        rule_id, event_hash, series_id, origin_at, direction, threshold,
        case
            when count(value) >= {{ alert_least_hours('any_value(window_h)') }}
                then {{ alert_statistic('any_value(statistic)', 'value') }}
        end as persisted
    from known
    group by all
),

final as (
    select
        rule_id, event_hash, series_id, origin_at, persisted,
        {{ alert_is_event('persisted') }} as is_event_before
    from windows
)

select * from final
