{{ config(materialized='table') }}

with newest as (
    select
        rule_id,
        series_id,
        arg_max(run_id, (created_at, run_id)) as run_id
    from {{ source('ml', 'alert_probabilities') }}
    group by rule_id, series_id
),

-- as of this run, or of the alert where an earlier day is replayed after it
silenced as (
    select
        told.rule_id,
        told.series_id,
        made.silence_id,
        made.reason as silence_reason
    from {{ source('ml', 'alert_probabilities') }} as told
    inner join newest
        on told.rule_id = newest.rule_id and told.series_id = newest.series_id and told.run_id = newest.run_id
    inner join {{ ref('int_silences_made') }} as made
        on
            told.rule_id = made.rule_id
            and coalesce(told.series_id = made.series_id, true)
            and told.window_start < made.window_to
            and told.window_end > greatest(made.window_from, made.created_at)
    where
        made.created_at <= greatest({{ as_of() }}, told.created_at)
        and coalesce(made.cancelled_at > greatest({{ as_of() }}, told.created_at), true)
    qualify row_number() over (partition by told.rule_id, told.series_id order by made.silence_seq desc) = 1
),

final as (
    select
        ---------- ids
        told.run_id,
        told.rule_id,
        told.series_id,
        rules.dataset,
        series.place_id,
        series.name as place_name,
        series.country,
        series.timezone,

        ---------- the window
        told.origin_at,
        told.window_start,
        told.window_end,
        timezone(series.timezone, timezone('UTC', told.window_start)) as local_window_start,

        ---------- what to expect
        told.probability,
        told.climatology,
        told.act_from,
        told.is_alert,
        rules.description,
        case when told.is_alert then rules.what_to_do end as what_to_do,

        ---------- who says so
        told.method,
        told.model_version,
        told.reason,
        told.created_at,

        ---------- who silenced it
        silenced.silence_id is not null as is_silenced,
        silenced.silence_id,
        silenced.silence_reason
    from {{ source('ml', 'alert_probabilities') }} as told
    inner join newest
        on told.rule_id = newest.rule_id and told.series_id = newest.series_id and told.run_id = newest.run_id
    inner join {{ ref('dim_alert_rules') }} as rules
        on told.rule_id = rules.rule_id and told.event_hash = rules.event_hash
    inner join {{ ref('dim_series') }} as series on told.series_id = series.series_id
    left join silenced on told.rule_id = silenced.rule_id and told.series_id = silenced.series_id
)

select * from final
