{{ config(materialized='table') }}
-- A window that had begun when the silence was made is not counted: by then it was acted on, or was not.

with covered as (
    select
        made.silence_id,
        scores.window_end,
        scores.is_alert,
        scores.is_event,
        scores.cost_policy,
        scores.cost_never
    from {{ ref('int_silences_made') }} as made
    inner join {{ ref('fct_alert_scores') }} as scores
        on
            made.rule_id = scores.rule_id
            and coalesce(made.series_id = scores.series_id, true)
            and made.window_to > scores.window_start
            and made.window_from < scores.window_end
            and made.created_at <= scores.window_start
    where made.created_at <= {{ as_of() }} and coalesce(made.cancelled_at > scores.window_start, true)
    qualify
        row_number() over (
            partition by scores.rule_id, scores.series_id, scores.window_start
            order by scores.created_at desc, scores.run_id desc, made.silence_seq desc
        ) = 1
),

record as (
    select
        silence_id,
        count(*) as n_windows,
        count(*) filter (where is_alert) as n_alerts,
        count(*) filter (where is_alert and is_event) as n_events_missed,
        max(window_end) as scored_to,
        sum(cost_policy) as cost_as_alerted,
        sum(cost_never) as cost_silenced
    from covered
    group by silence_id
),

final as (
    select
        made.silence_id,
        made.rule_id,
        made.series_id,
        made.window_from,
        made.window_to,
        made.reason,
        made.actor,
        made.created_at,
        {{ intervention_end('window_to') }},
        coalesce(record.n_windows, 0) as n_windows,
        coalesce(record.n_alerts, 0) as n_alerts,
        coalesce(record.n_events_missed, 0) as n_events_missed,
        record.scored_to,
        record.cost_as_alerted,
        record.cost_silenced,
        record.cost_as_alerted - record.cost_silenced as cost_saved,
        case when record.n_alerts > 0 then record.cost_silenced < record.cost_as_alerted end as helped
    from {{ ref('int_silences_made') }} as made
    left join record on made.silence_id = record.silence_id
    where made.created_at <= {{ as_of() }}
)

select * from final
