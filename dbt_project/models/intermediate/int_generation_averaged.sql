{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{%- set least_reported_share = 0.95 -%}

with

quarters as (

    select * exclude (has_repeated_stamps) from {{ ref('stg_energy_charts__generation') }}
    where not has_repeated_stamps {{ and_newer_than_held() }}
    union all
    -- a stamp sent twice counts once; sent twice with two values, it counts as not reported
    select
        payload_seq, country, production_type, fetched_at, mode, observed_at, step_seconds,
        max(power_mw) as power_mw
    from {{ ref('stg_energy_charts__generation') }}
    where has_repeated_stamps {{ and_newer_than_held() }}
    group by all
    having min(power_mw) = max(power_mw)

),

factors as (select * from {{ ref('emission_factors') }}),

-- the last bits of a sum hang on what is added first, and would pass for revisions: rounded here, in an order below
hourly as (

    select
        payload_seq,
        country,
        production_type,
        fetched_at,
        mode,
        date_trunc('hour', observed_at) as observed_at,
        greatest(round(avg(power_mw), 6), 0) as power_mw
    from quarters
    group by payload_seq, country, production_type, fetched_at, mode, date_trunc('hour', observed_at)
    -- a type's hour counts from half of the steps that the body's own step implies
    having count(*) * 2 * min(step_seconds) >= 3600

),

-- a type that is silent for an hour is taken to go on as it last was, for a day: is the rest enough to judge by?
grid as (

    select hours.payload_seq, hours.observed_at, types.production_type
    from (select distinct payload_seq, observed_at from hourly) as hours
    inner join (select distinct payload_seq, production_type from hourly) as types
        on hours.payload_seq = types.payload_seq

),

typed as (

    select
        grid.payload_seq, grid.observed_at, grid.production_type,
        hourly.country, hourly.fetched_at, hourly.mode, hourly.power_mw,
        factors.gco2eq_kwh,
        coalesce(factors.is_low_carbon, false) as is_low_carbon,
        factors.production_type is not null as is_known,
        last_value(hourly.power_mw ignore nulls) over (
            partition by grid.payload_seq, grid.production_type order by grid.observed_at
            range between interval 24 hour preceding and current row
        ) as expected_mw
    from grid
    left join hourly
        on
            grid.payload_seq = hourly.payload_seq
            and grid.observed_at = hourly.observed_at
            and grid.production_type = hourly.production_type
    left join factors on grid.production_type = factors.production_type
    where factors.production_type is null or factors.is_generation

),

mixed as (

    select
        payload_seq, observed_at,
        max(country) as country, max(fetched_at) as fetched_at, max(mode) as mode,
        nullif(list_sum(list(power_mw order by production_type) filter (where is_known)), 0) as generation_mw,
        list_sum(list(power_mw * gco2eq_kwh order by production_type)) as emissions,
        coalesce(list_sum(list(power_mw order by production_type) filter (where is_low_carbon)), 0) as low_carbon_mw,
        coalesce(generation_mw, 0) / nullif(list_sum(list(expected_mw order by production_type)), 0) as reported_share,
        string_agg(production_type, ', ' order by production_type) filter (where not is_known and power_mw > 0)
            as unknown_types
    from typed
    group by payload_seq, observed_at

),

final as (

    select
        payload_seq, country, fetched_at, mode, observed_at, generation_mw, unknown_types,
        round(emissions / generation_mw, 6) as carbon_intensity_gco2eq_kwh,
        round(100 * low_carbon_mw / generation_mw, 6) as low_carbon_pct,
        case
            when reported_share >= {{ least_reported_share }} then null
            when unknown_types is not null then 'production type without an emission factor: ' || unknown_types
            else 'only ' || floor(100 * reported_share)::integer || ' % of the usual generation was reported'
        end as reason
    from mixed

)

select * from final
