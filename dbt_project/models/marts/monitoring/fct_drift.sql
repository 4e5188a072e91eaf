{{ config(materialized='view') }}

with final as (
    select
        run_id,
        created_at,
        dataset,
        series_id,
        kind,
        aspect,
        window_h,
        reference,
        current_to,
        n_current,
        n_reference,
        n_past,
        score,
        usual,
        score_limit,
        p_value,
        q_value,
        shift,
        ratio,
        still,
        is_drift,
        what,
        why_not,
        case when created_at > {{ as_of() }} - interval 30 day then page end as page
    from {{ source('ml', 'drift') }}
)

select * from final
