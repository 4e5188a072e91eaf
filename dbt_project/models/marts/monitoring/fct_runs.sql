{{ config(materialized='table') }}

with final as (
    select
        run_id,
        flow,
        step,
        as_of,
        started_at,
        finished_at,
        status,
        seconds,
        cpu_seconds,
        peak_mib,
        n_rows,
        detail::varchar as detail
    from {{ source('ml', 'runs') }}
)

select * from final
