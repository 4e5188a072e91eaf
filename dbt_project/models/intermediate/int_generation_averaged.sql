{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{%- set least_accounted_share = 0.95 -%}

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

hourly as (

    select
        payload_seq,
        country,
        production_type,
        fetched_at,
        mode,
        date_trunc('hour', observed_at) as observed_at,
        greatest(avg(power_mw), 0) as power_mw
    from quarters
    group by payload_seq, country, production_type, fetched_at, mode, date_trunc('hour', observed_at)
    -- a type's hour counts from half of the steps that the body's own step implies
    having count(*) * 2 * min(step_seconds) >= 3600

),

typed as (

    select
        hourly.*,
        factors.gco2eq_kwh,
        coalesce(factors.is_low_carbon, false) as is_low_carbon,
        factors.production_type is not null as is_known,
        avg(hourly.power_mw) over (partition by hourly.payload_seq, hourly.production_type) as usual_mw
    from hourly
    left join factors on hourly.production_type = factors.production_type
    where factors.production_type is null or factors.is_generation

),

usual as (

    select payload_seq, sum(usual_mw) as usual_mw
    from (select distinct payload_seq, production_type, usual_mw from typed) as types
    group by payload_seq

),

mixed as (

    select
        payload_seq, country, fetched_at, mode, observed_at,
        nullif(sum(power_mw) filter (where is_known), 0) as generation_mw,
        sum(power_mw * gco2eq_kwh) as emissions,
        sum(power_mw) filter (where is_low_carbon) as low_carbon_mw,
        coalesce(sum(usual_mw) filter (where is_known), 0) as accounted_mw,
        string_agg(production_type, ', ' order by production_type) filter (where not is_known and power_mw > 0)
            as unknown_types
    from typed
    group by all

),

final as (

    select
        mixed.payload_seq,
        mixed.country,
        mixed.fetched_at,
        mixed.mode,
        mixed.observed_at,
        mixed.generation_mw,
        mixed.unknown_types,
        mixed.emissions / mixed.generation_mw as carbon_intensity_gco2eq_kwh,
        100 * coalesce(mixed.low_carbon_mw, 0) / mixed.generation_mw as low_carbon_pct,
        case
            when mixed.accounted_mw >= {{ least_accounted_share }} * usual.usual_mw then null
            when mixed.unknown_types is not null
                then 'production type without an emission factor: ' || mixed.unknown_types
            else 'only ' || floor(100 * mixed.accounted_mw / usual.usual_mw)::integer
                || ' % of the usual generation was reported'
        end as reason
    from mixed
    inner join usual on mixed.payload_seq = usual.payload_seq

)

select * from final
