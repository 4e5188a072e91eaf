{{ config(materialized='table') }}
-- Built whole by every run: a later truth, another threshold or cost and a series taken out then leave nothing behind.

with told as (
    select
        alerts.*, rules.statistic, rules.direction, rules.threshold, rules.window_h,
        rules.cost_of_acting, rules.loss_if_missed
    from {{ source('ml', 'alert_probabilities') }} as alerts
    inner join {{ ref('dim_alert_rules') }} as rules
        on alerts.rule_id = rules.rule_id and alerts.event_hash = rules.event_hash
    where alerts.window_end <= {{ as_of() }}
),

-- hour by hour: equality joins the observations far faster than a range
window_hours as (
    select
        run_id,
        rule_id,
        series_id,
        statistic,
        window_h,
        unnest(generate_series(window_start, window_end - interval 1 hour, interval 1 hour)) as observed_at
    from told
),

came as (
    select
        window_hours.run_id,
        window_hours.rule_id,
        window_hours.series_id,
        {{ alert_statistic('any_value(window_hours.statistic)', 'hours.value') }} as actual,
        max(hours.payload_seq) as truth_seq
    from window_hours
    inner join {{ ref('fct_observations') }} as hours
        on window_hours.series_id = hours.series_id and window_hours.observed_at = hours.observed_at
    where hours.quality = 'ok'
    group by all
    having count(*) >= {{ alert_least_hours('any_value(window_hours.window_h)') }}
),

outcomes as (
    select
        told.*,
        came.actual,
        came.truth_seq,
        {{ alert_is_event('came.actual') }} as is_event
    from told
    inner join came
        on told.run_id = came.run_id and told.rule_id = came.rule_id and told.series_id = came.series_id
),

final as (
    select
        run_id, rule_id, series_id, origin_at, window_start, window_end, method, model_version,
        probability, climatology, act_from, is_alert, actual, is_event,
        (probability - is_event::integer) ** 2 as brier,
        (climatology - is_event::integer) ** 2 as brier_climatology,
        case when is_alert then cost_of_acting when is_event then loss_if_missed else 0.0 end as cost_policy,
        case when is_event then loss_if_missed else 0.0 end as cost_never,
        cost_of_acting as cost_always,
        case when is_event then cost_of_acting else 0.0 end as cost_perfect,
        created_at,
        truth_seq
    from outcomes
)

select * from final
