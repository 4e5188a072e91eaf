{{ config(materialized='table') }}

with events as (
    select
        *,
        row_number() over (
            partition by dataset order by event_at desc, coalesce(event_seq, 0) desc, event_id desc
        ) as nth_newest
    from {{ source('ml', 'champion_events') }}
),

last_words as (
    select dataset, model_version, action, event_at, reason, nth_newest
    from events
    qualify row_number() over (partition by dataset, model_version order by nth_newest) = 1
),

-- what was decided after a candidate came has overtaken it
newest_comers as (
    select dataset, min(nth_newest) as nth_newest
    from events
    where action in ('promote', 'approve', 'candidate')
    group by dataset
),

-- the ladder below the champion: of its own training the best of each rung; one put in by hand has the winner as such
fallbacks as (
    select versions.model_version
    from {{ ref('dim_champions') }} as champions
    inner join {{ source('ml', 'model_versions') }} as champion_versions
        on champions.model_version = champion_versions.model_version
    inner join {{ source('ml', 'model_versions') }} as versions
        on
            champion_versions.run_id = versions.run_id
            and champion_versions.dataset = versions.dataset
            and champion_versions.model_version <> versions.model_version
    where versions.metrics ->> 'role' in ('champion', 'challenger', 'statistical', 'naive')
    qualify
        row_number() over (
            partition by versions.dataset, replace(versions.metrics ->> 'role', 'champion', 'challenger')
            order by versions.metrics ->> 'role' = 'champion' desc, versions.model_version desc
        ) = 1
),

final as (
    select
        versions.model_version,
        versions.dataset,
        versions.model,
        versions.metrics ->> 'role' as role,
        case
            when versions.model_version = champions.model_version then 'champion'
            when fallbacks.model_version is not null then 'fallback'
            when last_words.action = 'candidate' and last_words.nth_newest = newest_comers.nth_newest then 'candidate'
            when last_words.action = 'candidate' then 'superseded'
            when last_words.action = 'keep' then 'kept out'
            when last_words.action = 'reject' then 'rejected'
            when last_words.action is not null then 'retired'
            else 'spare'
        end as status,
        versions.run_id,
        versions.trained_at,
        versions.data_as_of,
        versions.train_from,
        versions.train_to,
        versions.report_from,
        versions.report_to,
        (versions.metrics -> 'report' ->> 'mae')::double as report_mae,
        (versions.metrics -> 'report' ->> 'skill')::double as report_skill,
        (versions.metrics -> 'report' ->> 'pinball')::double as report_pinball,
        (versions.metrics -> 'report' ->> 'coverage80')::double as report_coverage_80,
        last_words.event_at as decided_at,
        last_words.reason as decision,
        versions.data_hash,
        versions.git_sha,
        versions.artefact_sha256,
        versions.report,
        versions.params::varchar as params
    from {{ source('ml', 'model_versions') }} as versions
    left join {{ ref('dim_champions') }} as champions on versions.dataset = champions.dataset
    left join fallbacks on versions.model_version = fallbacks.model_version
    left join last_words
        on versions.dataset = last_words.dataset and versions.model_version = last_words.model_version
    left join newest_comers on versions.dataset = newest_comers.dataset
)

select * from final
