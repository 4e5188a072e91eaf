{{ config(materialized='table') }}
-- Both told of the same hour by what readers had when it came: the newest forecast made before it, and the newest
-- override that stood then.

with in_force as (
    select * from {{ ref('int_override_hours') }}
    where target_at <= {{ as_of() }} and coalesce(cancelled_at > target_at, true)
    qualify row_number() over (partition by series_id, target_at order by override_seq desc) = 1
),

told as (
    select
        in_force.override_id,
        in_force.method,
        in_force.value as override_value,
        in_force.created_at as override_created_at,
        scores.* exclude (point),
        forecasts.* exclude (run_id, series_id, target_at)
    from in_force
    inner join {{ ref('fct_forecast_scores') }} as scores
        on in_force.series_id = scores.series_id and in_force.target_at = scores.target_at
    inner join (
        select
            run_id, series_id, target_at, variable, point, q05, q10, q25, q50, q75, q90, q95
        from {{ ref('fct_forecasts') }}
    ) as forecasts
        on
            scores.run_id = forecasts.run_id
            and scores.series_id = forecasts.series_id
            and scores.target_at = forecasts.target_at
    where scores.created_at < scores.target_at
    qualify
        row_number() over (
            partition by in_force.series_id, in_force.target_at
            order by scores.origin_at desc, scores.created_at desc, scores.run_id desc
        ) = 1
),

overridden as (
    select
        told.* exclude (point, q05, q10, q25, q50, q75, q90, q95),
        {% for value in ['point', 'q05', 'q10', 'q25', 'q50', 'q75', 'q90', 'q95'] %}
        {{ overridden(value) }} as {{ value }},
        {% endfor %}
        told.point as model_point
    from told
    left join {{ ref('variables') }} as variables
        on told.dataset = variables.dataset and told.variable = variables.variable
),

final as (
    select
        override_id,
        run_id,
        model_version,
        dataset,
        series_id,
        origin_at,
        target_at,
        horizon_h,
        actual,
        model_point,
        point as overridden_point,
        abs_error as abs_error_original,
        abs(point - actual) as abs_error_overridden,
        pinball as pinball_original,
        {{ pinball_loss('actual') }} as pinball_overridden,
        is_covered_80 as is_covered_80_original,
        actual between q10 and q90 as is_covered_80_overridden,
        created_at >= override_created_at as is_published
    from overridden
)

select * from final
