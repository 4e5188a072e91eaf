{{ config(materialized='view') }}

with final as (
    select
        run_id,
        created_at,
        dataset,
        action,
        triggers,
        reason,
        evidence::varchar as evidence
    from {{ source('ml', 'decisions') }}
)

select * from final
