with

series as (select * from {{ ref('int_series_registered') }}),

observed as (

    select
        series_id,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at,
        count(*) as n_hours,
        count(*) filter (where quality = 'missing') as n_missing,
        count(*) filter (where quality = 'quarantined') as n_quarantined,
        count(*) filter (where quality = 'stuck') as n_stuck,
        count(*) filter (where n_versions > 1) as n_revised
    from {{ ref('fct_observations') }}
    group by series_id

),

final as (

    select
        ---------- ids
        series.series_id,
        series.dataset,
        series.place_id,
        series.variable,
        series.source,
        series.shown_subject as subject,

        ---------- what and where
        series.is_target,
        series.unit,
        series.name,
        series.country,
        series.latitude,
        series.longitude,
        series.timezone,

        ---------- times
        observed.first_observed_at,
        observed.last_observed_at,

        ---------- measures
        coalesce(observed.n_hours, 0) as n_hours,
        coalesce(observed.n_missing, 0) as n_missing,
        coalesce(observed.n_quarantined, 0) as n_quarantined,
        coalesce(observed.n_stuck, 0) as n_stuck,
        coalesce(observed.n_revised, 0) as n_revised
    from series
    left join observed on series.series_id = observed.series_id

)

select * from final
