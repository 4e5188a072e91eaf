with rules as (
    select * from {{ ref('alert_rules') }}
),

final as (
    select
        ---------- ids
        rule_id,
        dataset,
        variable,

        ---------- the event
        direction,
        threshold,
        statistic,
        window_h,
        lead_h,
        unit,
        md5(concat_ws('|', dataset, variable, direction, threshold, statistic, window_h, lead_h)) as event_hash,

        ---------- what it is worth
        cost_of_acting,
        loss_if_missed,
        cost_of_acting / loss_if_missed as act_from,

        ---------- for people
        description,
        what_to_do
    from rules
)

select * from final
