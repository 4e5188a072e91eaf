{{ config(materialized='table') }}

with steps as (
    select * from {{ source('ml', 'runs') }}
),

rates as (
    select
        max(price) filter (item = 'machine') / 3600 as machine_second,
        max(price) filter (item = 'motherduck') / 3600 as motherduck_second,
        min(currency) as currency
    from {{ ref('prices') }}
),

-- the sample is nobody's API; sample and live data never meet in one warehouse
upstream as (
    select coalesce(bool_or(detail ->> 'upstream' = 'live'), false) as is_live from steps
    where step = 'load'
),

calls as (
    select
        loads.run_id,
        sum(loads.weight) as call_weight,
        sum(loads.weight * prices.price / 1e6) as cost
    from {{ ref('stg_ledger__loads') }} as loads
    inner join {{ ref('prices') }} as prices on prices.item = 'calls' and loads.source = prices.source
    group by loads.run_id
),

priced as (
    select
        steps.*,
        calls.call_weight,
        rates.currency,
        steps.seconds * rates.machine_second as cost_machine,
        {% if on_motherduck() %}steps.seconds * rates.motherduck_second{% else %}0::double{% endif %} as cost_motherduck,
        case when upstream.is_live then coalesce(calls.cost, 0) else 0 end::double as cost_calls
    from steps
    cross join rates
    cross join upstream
    left join calls on steps.run_id = calls.run_id and steps.step in ('load', 'total')
),

final as (
    select
        run_id,
        flow,
        step,
        as_of,
        started_at,
        finished_at,
        status,
        seconds,
        cpu_seconds,
        peak_mib,
        n_rows,
        read_bytes,
        written_bytes,
        n_calls,
        call_weight,
        cost_machine,
        cost_motherduck,
        cost_calls,
        cost_machine + cost_motherduck + cost_calls as cost,
        currency,
        detail::varchar as detail
    from priced
)

select * from final
