{{ config(materialized='table') }}
{% set values = ['point', 'q05', 'q10', 'q25', 'q50', 'q75', 'q90', 'q95'] %}

with newest_run as (
    select
        series_id,
        arg_max(run_id, (origin_at, created_at, run_id)) as run_id
    from {{ ref('fct_forecasts') }}
    group by series_id
),

current_forecasts as (
    select forecasts.*
    from {{ ref('fct_forecasts') }} as forecasts
    inner join newest_run on forecasts.series_id = newest_run.series_id and forecasts.run_id = newest_run.run_id
),

-- as of this run, or of the forecast where an earlier day is replayed after it
in_force as (
    select
        forecasts.series_id,
        forecasts.target_at,
        hours.override_id,
        hours.method,
        hours.value as override_value,
        hours.reason as override_reason
    from current_forecasts as forecasts
    inner join {{ ref('int_override_hours') }} as hours
        on forecasts.series_id = hours.series_id and forecasts.target_at = hours.target_at
    where
        hours.created_at <= greatest({{ as_of() }}, forecasts.created_at)
        and coalesce(hours.cancelled_at > greatest({{ as_of() }}, forecasts.created_at), true)
    qualify
        row_number() over (partition by forecasts.series_id, forecasts.target_at order by hours.override_seq desc) = 1
),

joined as (
    select
        forecasts.*,
        in_force.* exclude (series_id, target_at),
        variables.plausible_min,
        variables.plausible_max
    from current_forecasts as forecasts
    left join in_force on forecasts.series_id = in_force.series_id and forecasts.target_at = in_force.target_at
    left join {{ ref('variables') }} as variables
        on forecasts.dataset = variables.dataset and forecasts.variable = variables.variable
),

final as (
    select
        run_id, model_version, dataset, series_id, place_id, variable, unit, origin_at, target_at, horizon_h,
        {% for value in values %}
        {{ overridden(value) }} as {{ value }},
        {% endfor %}
        rung,
        rung_reason,
        data_as_of,
        created_at,
        override_id,
        point as model_point,
        override_reason
    from joined
)

select * from final
