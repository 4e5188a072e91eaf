{{ config(materialized='table') }}

with newest as (
    select
        rule_id,
        series_id,
        arg_max(run_id, (created_at, run_id)) as run_id
    from {{ source('ml', 'alert_probabilities') }}
    group by rule_id, series_id
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
        told.created_at
    from {{ source('ml', 'alert_probabilities') }} as told
    inner join newest
        on told.rule_id = newest.rule_id and told.series_id = newest.series_id and told.run_id = newest.run_id
    inner join {{ ref('dim_alert_rules') }} as rules
        on told.rule_id = rules.rule_id and told.event_hash = rules.event_hash
    inner join {{ ref('dim_series') }} as series on told.series_id = series.series_id
)

select * from final
