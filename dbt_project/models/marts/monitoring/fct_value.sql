{{ config(materialized='table') }}
-- Value (Richardson 2000): what was saved of what could be, (reference - own) / (reference - perfect). Of an absolute
-- error, whose perfect is zero, that is the forecast value added over a naive answer (Gilliland 2010).
{% set event_days, scored_days = 10, 14 %}

with subjects as (
    select
        'alert rule' as kind, rule_id as subject, dataset, 'cost' as unit,
        unnest(['climatology', 'persistence']) as reference
    from {{ ref('dim_alert_rules') }}
    union all
    select
        'forecast' as kind, any_value(dataset) as subject, dataset, min(unit) as unit,
        unnest(['naive_day', 'naive_week']) as reference
    from {{ ref('dim_series') }}
    where is_target
    group by dataset
),

-- what a later run said again of the same origin takes the place of it
alert_scores as (
    select scores.*, before.is_event_before
    from {{ ref('fct_alert_scores') }} as scores
    left join {{ ref('int_alerts_persisted') }} as before using (rule_id, series_id, origin_at)
    qualify row_number() over (partition by rule_id, series_id, origin_at order by created_at desc, run_id desc) = 1
),

forecast_scores as (
    select * from {{ ref('fct_forecast_scores') }}
    qualify row_number() over (partition by series_id, origin_at, target_at order by created_at desc, run_id desc) = 1
),

-- climatology acts never or always, whichever turns out cheaper: two losses, of which the lower mean counts
decisions as (
    select
        rule_id as subject, origin_at, window_end as known_at, is_event,
        cost_policy as loss, cost_perfect as loss_perfect,
        unnest([
            { 'reference': 'climatology', 'loss_one': cost_never, 'loss_other': cost_always },
            {
                'reference': 'persistence', 'loss_other': null,
                'loss_one': case is_event_before when true then cost_always when false then cost_never end
            }
        ], recursive := true)
    from alert_scores
    union all by name
    select
        dataset as subject, origin_at, target_at as known_at, abs_error as loss, 0 as loss_perfect,
        unnest([
            { 'reference': 'naive_day', 'loss_one': abs_error_naive_day },
            { 'reference': 'naive_week', 'loss_one': abs_error_naive_week }
        ], recursive := true)
    from forecast_scores
),

compared as (
    select
        subjects.*, periods.period,
        count(decisions.loss) as n,
        count(*) filter (where decisions.is_event) as n_events,
        count(distinct decisions.origin_at::date) as n_days,
        count(distinct decisions.origin_at::date) filter (where decisions.is_event) as n_event_days,
        avg(decisions.loss) as loss,
        least(avg(decisions.loss_one), avg(decisions.loss_other)) as loss_reference,
        avg(decisions.loss_perfect) as loss_perfect
    from subjects
    cross join (values ('28 days', {{ as_of() }} - interval 28 day), ('all', '-infinity'::timestamp))
        as periods (period, since)
    left join decisions
        on
            subjects.subject = decisions.subject and subjects.reference = decisions.reference
            and decisions.loss_one is not null
            and periods.since < decisions.known_at and decisions.known_at <= {{ as_of() }}
    group by all
),

final as (
    select
        kind, subject, dataset, reference, period, n, n_days,
        case kind when 'alert rule' then n_events end as n_events,
        unit, loss, loss_reference, loss_perfect, loss_reference - loss as saving,
        case when loss_reference - loss_perfect > 1e-9 then saving / (loss_reference - loss_perfect) end as value,
        n > 0 and row_number() over (
            partition by kind, subject, period order by round(saving, 9), reference
        ) = 1 as is_hardest,
        if(kind = 'alert rule', n_event_days >= {{ event_days }}, n_days >= {{ scored_days }}) as is_enough
    from compared
)

select * from final
