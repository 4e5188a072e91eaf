{{ config(materialized='table') }}

with current_champions as (
    select * from {{ ref('fct_champion_history') }}
    where valid_to is null
),

final as (
    select
        champions.dataset,
        champions.model_version,
        versions.model,
        champions.valid_from as champion_since,
        champions.reason,
        champions.actor,
        versions.trained_at,
        versions.data_as_of,
        versions.artefact_sha256,
        versions.report,
        versions.report_from,
        versions.report_to,
        versions.metrics::varchar as metrics
    from current_champions as champions
    inner join {{ source('ml', 'model_versions') }} as versions
        on champions.model_version = versions.model_version
)

select * from final
