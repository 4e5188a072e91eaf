{{ config(
    materialized='incremental',
    incremental_strategy='append',
) }}
-- Vintages only ever arrive: a run that is not here yet is appended whole.

with forecasts as (
    select * from {{ source('ml', 'forecasts') }}
    {% if is_incremental() %}
    where run_id not in (select distinct run_id from {{ this }})
    {% endif %}
),

final as (
    select
        forecasts.run_id,
        forecasts.model_version,
        forecasts.dataset,
        forecasts.series_id,
        series.place_id,
        series.variable,
        series.unit,
        forecasts.origin_at,
        forecasts.target_at,
        forecasts.horizon_h,
        forecasts.point,
        forecasts.q05,
        forecasts.q10,
        forecasts.q25,
        forecasts.q50,
        forecasts.q75,
        forecasts.q90,
        forecasts.q95,
        forecasts.rung,
        forecasts.rung_reason,
        forecasts.data_as_of,
        forecasts.created_at
    from forecasts
    inner join {{ ref('dim_series') }} as series on forecasts.series_id = series.series_id
)

select * from final
