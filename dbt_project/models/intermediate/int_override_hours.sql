-- Only hours that lay ahead when the override was made: the past is not rewritten.
with hours as (
    select
        *,
        unnest(range(date_trunc('hour', target_from), target_to, interval 1 hour)) as target_at
    from {{ ref('int_overrides_made') }}
),

final as (
    select * from hours
    where target_at >= target_from and target_at > created_at
)

select * from final
