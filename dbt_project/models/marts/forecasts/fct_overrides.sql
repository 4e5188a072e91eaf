{{ config(materialized='table') }}

with hours as (
    select override_id, count(*) as n_hours
    from {{ ref('int_override_hours') }}
    group by override_id
),

scored as (
    select
        override_id,
        count(*) as n_hours_scored,
        count(*) filter (where is_published) as n_hours_published,
        max(target_at) as scored_to,
        avg(abs_error_original) as mae_original,
        avg(abs_error_overridden) as mae_overridden,
        avg(pinball_original) as pinball_original,
        avg(pinball_overridden) as pinball_overridden
    from {{ ref('fct_override_scores') }}
    group by override_id
),

final as (
    select
        made.override_id,
        made.dataset,
        made.series_id,
        made.target_from,
        made.target_to,
        made.method,
        made.value,
        made.reason,
        made.actor,
        made.created_at,
        {{ intervention_end('target_to') }},
        coalesce(hours.n_hours, 0) as n_hours,
        coalesce(scored.n_hours_scored, 0) as n_hours_scored,
        coalesce(scored.n_hours_published, 0) as n_hours_published,
        scored.scored_to,
        scored.mae_original,
        scored.mae_overridden,
        scored.mae_original - scored.mae_overridden as gain,
        scored.mae_overridden < scored.mae_original as helped,
        scored.pinball_original,
        scored.pinball_overridden
    from {{ ref('int_overrides_made') }} as made
    left join hours on made.override_id = hours.override_id
    left join scored on made.override_id = scored.override_id
    where made.created_at <= {{ as_of() }}
)

select * from final
