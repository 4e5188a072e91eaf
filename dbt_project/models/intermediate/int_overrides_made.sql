-- An override and its end, from their two events.
with added as (
    select * from {{ source('ml', 'override_events') }} where action = 'add'
),

cancelled as (
    select * from {{ source('ml', 'override_events') }} where action = 'cancel'
),

final as (
    select
        added.override_id,
        added.event_seq as override_seq,
        added.dataset,
        added.series_id,
        added.target_from,
        added.target_to,
        added.method,
        added.value,
        added.reason,
        added.actor,
        added.event_at as created_at,
        cancelled.event_at as cancelled_at,
        cancelled.actor as cancelled_by,
        cancelled.reason as cancel_reason
    from added
    left join cancelled on added.override_id = cancelled.override_id
)

select * from final
