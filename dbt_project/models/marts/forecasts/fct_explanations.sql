{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ drop_rows_without(this, source('ml', 'explanations'), ['run_id']) }}",
) }}
-- Like the forecasts they belong to: a run that is not here yet is appended whole, one that is dropped leaves whole.

with explanations as (
    select * from {{ source('ml', 'explanations') }}
    {% if is_incremental() %}
    where run_id not in (select distinct run_id from {{ this }})
    {% endif %}
),

final as (
    select
        run_id,
        model_version,
        dataset,
        series_id,
        origin_at,
        origin_at + to_hours(horizon_h) as target_at,
        horizon_h,
        kind,
        rank,
        feature,
        value,
        contribution,
        unit,
        explained_model,
        weight,
        created_at
    from explanations
)

select * from final
