{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['run_id', 'rule_id', 'series_id'],
) }}
-- Scored when the truth of the window arrives, and again when it is revised: both raise the payload_seq of an hour.
{% set since = scalar_timestamp(unscored_alerts_since(this)) if is_incremental() else "timestamp '1900-02-01'" %}

with hours as (
    select * from {{ ref('fct_observations') }}
    where observed_at >= {{ since }}
),

told as (
    select
        alerts.*, rules.statistic, rules.direction, rules.threshold, rules.window_h,
        rules.cost_of_acting, rules.loss_if_missed
    from {{ source('ml', 'alert_probabilities') }} as alerts
    inner join {{ ref('dim_alert_rules') }} as rules
        on alerts.rule_id = rules.rule_id and alerts.event_hash = rules.event_hash
    where alerts.window_start >= {{ since }} and alerts.window_end <= {{ as_of() }}
),

came as (
    select
        told.run_id,
        told.rule_id,
        told.series_id,
        {{ alert_statistic('any_value(told.statistic)', 'hours.value') }} as actual,
        max(hours.payload_seq) as truth_seq
    from told
    inner join hours
        on
            told.series_id = hours.series_id
            and told.window_start <= hours.observed_at
            and told.window_end > hours.observed_at
    where hours.quality = 'ok'
    group by all
    having count(*) >= {{ alert_least_hours('any_value(told.window_h)') }}
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
