{{ config(materialized='table') }}

with newest_run as (
    select
        series_id,
        arg_max(run_id, (origin_at, created_at, run_id)) as run_id
    from {{ ref('fct_forecasts') }}
    group by series_id
),

final as (
    select forecasts.*
    from {{ ref('fct_forecasts') }} as forecasts
    inner join newest_run on forecasts.series_id = newest_run.series_id and forecasts.run_id = newest_run.run_id
)

select * from final
