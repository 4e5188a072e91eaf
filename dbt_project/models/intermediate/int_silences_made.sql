-- A silence and its end, from their two events.
with added as (
    select * from {{ source('ml', 'silence_events') }} where action = 'add'
),

cancelled as (
    select * from {{ source('ml', 'silence_events') }} where action = 'cancel'
),

final as (
    select
        added.silence_id,
        added.event_seq as silence_seq,
        added.rule_id,
        added.series_id,
        added.window_from,
        added.window_to,
        added.reason,
        added.actor,
        added.event_at as created_at,
        cancelled.event_at as cancelled_at,
        cancelled.actor as cancelled_by,
        cancelled.reason as cancel_reason
    from added
    left join cancelled on added.silence_id = cancelled.silence_id
)

select * from final
