{{ config(materialized='table') }}

with scores as (
    select
        run_id,
        dataset,
        role,
        model,
        sum(n_origins)::bigint as n_rows,
        sum(mae * n_origins) / sum(n_origins) as mae,
        sum(pinball * n_origins) / sum(n_origins) as pinball
    from {{ ref('fct_backtest_scores') }}
    group by run_id, dataset, role, model
),

references_to_beat as (
    select * from scores
    where starts_with(model, 'naive_')
),

final as (
    select
        scores.run_id,
        scores.dataset,
        scores.role,
        scores.model,
        naive.model as reference,
        scores.n_rows,
        scores.mae,
        naive.mae as reference_mae,
        1 - scores.mae / nullif(naive.mae, 0) as skill_mae,
        1 - scores.pinball / nullif(naive.pinball, 0) as skill_pinball,
        naive.mae = min(naive.mae) over (
            partition by scores.run_id, scores.dataset, scores.role, scores.model
        ) as is_best_reference
    from scores
    inner join references_to_beat as naive
        on
            scores.run_id = naive.run_id
            and scores.dataset = naive.dataset
            and scores.role = naive.role
)

select * from final
