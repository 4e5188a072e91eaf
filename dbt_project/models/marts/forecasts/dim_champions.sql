{{ config(materialized='table') }}

with newest_event as (
    select
        dataset,
        arg_max(model_version, (event_at, event_id)) as model_version,
        max(event_at) as champion_since,
        arg_max(reason, (event_at, event_id)) as reason,
        arg_max(actor, (event_at, event_id)) as actor
    from {{ source('ml', 'champion_events') }}
    where action in ('promote', 'rollback')
    group by dataset
),

final as (
    select
        newest_event.dataset,
        newest_event.model_version,
        versions.model,
        newest_event.champion_since,
        newest_event.reason,
        newest_event.actor,
        versions.trained_at,
        versions.data_as_of,
        versions.artefact_sha256,
        versions.report_from,
        versions.report_to,
        versions.metrics::varchar as metrics
    from newest_event
    inner join {{ source('ml', 'model_versions') }} as versions
        on newest_event.model_version = versions.model_version
)

select * from final
