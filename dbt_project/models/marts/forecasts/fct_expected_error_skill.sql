{{ config(materialized='view') }}

-- the last run of each origin, so that one that was run again counts once
with scored as (
    select *
    from {{ ref('fct_expected_errors') }}
    where realised_mae is not null
    qualify
        origin_at > max(origin_at) over (partition by dataset) - interval 28 day
        and run_id = last_value(run_id) over (
            partition by series_id, origin_at order by created_at, run_id
            rows between unbounded preceding and unbounded following
        )
),

final as (
    select
        dataset,
        count(*)::integer as n_rows,
        count(distinct origin_at)::integer as n_origins,
        sum(realised_mae) / nullif(sum(expected_mae), 0) as ratio,
        case
            when n_rows >= 10 then round(corr(expected_mae / usual_mae, realised_mae / usual_mae), 9)
        end as correlation,
        case
            when count(disagreement) >= 10 then round(corr(disagreement, realised_mae / usual_mae), 9)
        end as disagreement_correlation
    from scored
    group by dataset
)

select * from final
