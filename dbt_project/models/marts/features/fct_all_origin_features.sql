{{ config(materialized='view') }}
-- The origins of history and the run's own: who asks for an origin need not know which of the two it is.

with final as (
    select * exclude (built_from_seq) from {{ ref('fct_origin_features') }}
    union all by name
    select * from {{ ref('fct_live_origin_features') }}
)

select * from final
