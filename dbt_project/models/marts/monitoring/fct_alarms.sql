{{ config(materialized='view') }}

with events as (
    select
        *,
        lead(created_at) over (partition by alarm_id order by created_at, run_id, state) as next_at,
        lead(run_id) over (partition by alarm_id order by created_at, run_id, state) as next_run_id
    from {{ source('ml', 'alarms') }}
),

final as (
    select
        alarm_id,
        created_at as raised_at,
        run_id as raised_by,
        next_at as recovered_at,
        next_run_id as recovered_by,
        next_at is null as is_open,
        kind,
        severity,
        what,
        next_step,
        evidence
    from events
    where state = 'raised'
)

select * from final
