{{ config(materialized='view') }}
-- Of several decisions at one moment the last one stands: the others were in production for no time at all.

with decisions as (
    select * from {{ source('ml', 'champion_events') }}
    where action in ('promote', 'approve', 'rollback')
),

periods as (
    select
        *,
        lead(event_at) over (
            partition by dataset order by event_at, coalesce(event_seq, 0), event_id
        ) as valid_to
    from decisions
),

final as (
    select
        periods.dataset,
        periods.model_version,
        versions.model,
        periods.event_at as valid_from,
        periods.valid_to,
        periods.valid_to is null as is_current,
        periods.action,
        periods.reason,
        periods.actor,
        periods.event_id,
        periods.run_id,
        versions.trained_at,
        versions.train_from,
        versions.train_to,
        versions.data_hash,
        versions.git_sha,
        versions.artefact_sha256
    from periods
    left join {{ source('ml', 'model_versions') }} as versions
        on periods.model_version = versions.model_version
    where periods.valid_to is distinct from periods.event_at
)

select * from final
