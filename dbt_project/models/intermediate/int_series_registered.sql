with

series as (select * from {{ ref('series') }}),

variables as (select * from {{ ref('variables') }}),

places as (select * from {{ ref('int_places_shown') }}),

final as (

    select
        ---------- ids
        series.dataset || '.' || places.shown_id || '.' || variables.variable as series_id,
        series.dataset,
        places.shown_id as place_id,
        variables.variable,
        series.source,
        series.subject,
        case when places.is_private then places.shown_id else series.subject end as shown_subject,

        ---------- the variable
        variables.is_target,
        variables.unit,
        variables.plausible_min,
        variables.plausible_max,
        variables.stuck_after_hours,

        ---------- the place
        places.name,
        places.country,
        places.latitude,
        places.longitude,
        places.timezone
    from series
    inner join variables on series.dataset = variables.dataset
    inner join places on series.place_id = places.place_id
    where {{ is_supplied('series.source', 'variables.variable') }}

)

select * from final
