with

series as (select * from {{ ref('int_series_registered') }}),

sources as (select * from {{ ref('sources') }}),

readings as (

    {% for variable in supplied_variables()['open_meteo'] %}
    -- hours after the moment of fetching are forecasts, not observations
    select
        'open_meteo' as source, endpoint, subject, '{{ variable }}' as variable, payload_seq, fetched_at, mode,
        observed_at, {{ variable }} as value, null::varchar as reason
    from {{ ref('stg_open_meteo__hourly') }}
    where {{ variable }} is not null and (observed_at <= fetched_at or observed_at is null)
    union all
    {% endfor %}
    select
        'data_gov_sg', 'pm25', region, 'pm2_5_ugm3', payload_seq, fetched_at, mode,
        observed_at, pm2_5_ugm3, case when pm2_5_ugm3 = -1 then 'station offline marker -1' end
    from {{ ref('stg_data_gov_sg__pm25') }}
    where pm2_5_ugm3 is not null
    {% for variable in supplied_variables()['energy_charts'] %}
    union all
    select
        'energy_charts', 'public_power', country, '{{ variable }}', payload_seq, fetched_at, mode,
        observed_at, {{ variable }}, reason
    from {{ ref('int_generation_averaged') }}
    where {{ variable }} is not null or reason is not null
    {% endfor %}
    union all
    select
        'files', 'csv', subject, variable, payload_seq, fetched_at, mode, observed_at, value,
        case
            when observed_at is null then 'stamp is not a time: ' || stamp_text
            when value is null then 'not a number: ' || value_text
        end
    from {{ ref('stg_files__hourly') }}

),

final as (

    select
        series.series_id,
        {{ full_hour('readings.observed_at') }} as observed_at,
        readings.value,
        readings.payload_seq,
        readings.source,
        readings.endpoint,
        readings.fetched_at,
        readings.mode,
        to_hours(coalesce(sources.known_lag_hours, 0)) as known_lag,
        coalesce(sources.priority, 0) as priority,
        case
            when readings.reason is not null then readings.reason
            when readings.observed_at is null then 'stamp is not a time'
            when readings.observed_at > readings.fetched_at then 'stamped after it was fetched'
            when readings.observed_at < timestamp '1940-01-01' then 'stamped before 1940'
            when not isfinite(readings.value) then 'not a finite number'
            when readings.value < series.plausible_min
                then 'below the plausible minimum of ' || series.plausible_min || ' ' || series.unit
            when readings.value > series.plausible_max
                then 'above the plausible maximum of ' || series.plausible_max || ' ' || series.unit
        end as reason
    from readings
    inner join series
        on
            readings.source = series.source
            and readings.subject = series.subject
            and readings.variable = series.variable
    left join sources on readings.source = sources.source and readings.endpoint = sources.endpoint

)

select * from final
