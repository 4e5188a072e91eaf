with

versions as (select * from {{ ref('int_observation_versions') }}),

-- most hours are never revised, so that only the others are aggregated
revisions as (

    select
        series_id,
        observed_at,
        max_by(value, version_no) as value,
        max(version_no) as n_versions,
        max(known_at) as last_revised_at,
        max(payload_seq) as payload_seq
    from versions
    where version_no > 1
    group by series_id, observed_at

),

final as (

    select
        versions.series_id,
        versions.observed_at,
        coalesce(revisions.value, versions.value) as value,
        versions.value as first_value,
        versions.known_at as first_known_at,
        revisions.last_revised_at,
        coalesce(revisions.n_versions, 1) as n_versions,
        coalesce(revisions.payload_seq, versions.payload_seq) as payload_seq
    from versions
    left join revisions
        on versions.series_id = revisions.series_id and versions.observed_at = revisions.observed_at
    where versions.version_no = 1

)

select * from final
