-- Believable rows for the marts that pages read, one block a mart; later blocks may read earlier ones.
-- $origin: the newest origin; $n: places of each of the two datasets.

-- dim_series
select
    dataset || '.' || place || '.' || variable as series_id, dataset, place as place_id, variable, source,
    place as subject, true as is_target, unit, name, country, latitude + i * 0.03 as latitude,
    longitude + (i % 7) * 0.04 as longitude, timezone, $origin - interval 40 day as first_observed_at,
    $origin - interval 1 hour as last_observed_at, 960 as n_hours, i % 3 as n_missing, i % 2 as n_quarantined,
    0 as n_stuck, 0 as n_revised
from range($n) as t (i) cross join (values
    ('sgpm', 'region-', 'Singapore <b>', 'pm2_5_ugm3', 'data_gov_sg', 'µg/m³', 'SG', 1.3, 103.8, 'Asia/Singapore'),
    ('weather', 'city-', 'London ', 'temperature_c', 'open_meteo', '°C', 'GB', 51.5, -0.1, 'Europe/London')
) as d (dataset, stem, title, variable, source, unit, country, latitude, longitude, timezone)
cross join lateral (select stem || i as place, title || i as name)

-- fct_observations
select
    series_id, ts as observed_at,
    case when hour(ts) = 3 and day(ts) % 9 = 0 then null
        else 15 + 5 * sin(epoch(ts) / 13751) + (hash(series_id, ts) % 100) / 40.0 end as value,
    case when value is null then 'missing' else 'ok' end as quality, value as first_value, ts as first_known_at,
    1 as n_versions
from marts.dim_series, range($origin - interval 40 day, $origin, interval 1 hour) as t (ts)

-- fct_forecasts
select
    'run-' || strftime(origin_at, '%Y%m%d') as run_id, dataset || '-linear-20261114T0600-0a1b2c3d' as model_version,
    dataset, series_id, place_id, variable, unit, origin_at, origin_at + to_hours(h) as target_at, h as horizon_h,
    15 + 5 * sin(epoch(target_at) / 13751) as point, point - 4 as q05, point - 3 as q10, point - 1.5 as q25,
    point as q50, point + 1.5 as q75, point + 3 as q90, point + 4 as q95,
    case when series_id like '%-1.%' then 'statistical' else 'champion' end as rung,
    case when series_id like '%-1.%' then 'stale inputs' end as rung_reason,
    origin_at - interval 1 hour as data_as_of, origin_at + interval 10 minute as created_at
from marts.dim_series, range($origin - interval 7 day, $origin + interval 1 hour, interval 1 day) as o (origin_at),
    range(1, 49) as t (h)

-- fct_current_forecasts
select *, point as model_point from marts.fct_forecasts where origin_at = $origin

-- fct_forecast_scores
select
    forecasts.*, value as actual, point - value as error, abs(error) as abs_error, abs_error + 1 as abs_error_naive_day,
    abs_error + 2 as abs_error_naive_week, value between q10 and q90 as is_covered_80,
    value between q05 and q95 as is_covered_90, q90 - q10 as width_80, 0.3 as pinball, 1 as truth_seq
from marts.fct_forecasts as forecasts inner join marts.fct_observations as observations
    on forecasts.series_id = observations.series_id and target_at = observed_at and value is not null

-- dim_alert_rules
select * from (values
    ('pm25_day', 'sgpm', 'pm2_5_ugm3', 'above', 25.0, 'mean', 'Fine particles: above 25 µg/m³', 'Close windows'),
    ('frost', 'weather', 'temperature_c', 'below', 0.0, 'min', 'Frost: an hour below 0 °C', 'Cover plants')
) as t (rule_id, dataset, variable, direction, threshold, statistic, description, what_to_do)

-- fct_alerts
select
    'run-1' as run_id, rule_id, series_id, series.dataset, place_id, name as place_name, country, timezone,
    $origin as origin_at, $origin + interval 1 hour as window_start, $origin + interval 25 hour as window_end,
    (hash(series_id) % 100) / 100.0 as probability, 0.2 as climatology, 0.6 as act_from,
    probability > 0.6 as is_alert, description, what_to_do, 'classifier' as method,
    $origin + interval 10 minute as created_at, false as is_silenced
from marts.dim_series as series inner join marts.dim_alert_rules as rules using (dataset)

-- fct_alert_scores
select
    'run-' || i as run_id, rule_id, series_id, origin_at - to_days(7 - i) as origin_at, ((i * 13 + hash(series_id) % 10) % 100) / 100.0 as probability,
    (hash(series_id, i) % 100) / 100.0 < probability as is_event
from marts.fct_alerts, range(7) as t (i)

-- fct_backtest_scores
select
    'run-1' as run_id, dataset, model, 'report' as role, series_id, h as horizon_h, 20 as n_origins,
    worse * (1 + h / 24.0) as mae, 0.8 as coverage_80, 0.9 as coverage_90
from marts.dim_series, range(1, 49) as t (h),
    (values ('linear', 1.0), ('lightgbm_direct', 1.1), ('naive_day', 1.6), ('naive_mean7', 1.4)) as m (model, worse)

-- fct_backtest_skill
select
    'run-1' as run_id, dataset, 'report' as role, a.model, b.model as reference, 960 as n_rows, a.mae as mae,
    b.mae as reference_mae, 1 - a.mae / b.mae as skill_mae, skill_mae as skill_pinball,
    b.model = 'naive_mean7' as is_best_reference
from (values ('linear', 1.0), ('lightgbm_direct', 1.1), ('naive_day', 1.6), ('naive_mean7', 1.4)) as a (model, mae),
    (values ('naive_day', 1.6), ('naive_mean7', 1.4)) as b (model, mae), (values ('sgpm'), ('weather')) as d (dataset)

-- fct_explanations
select
    run_id, model_version, dataset, series_id, origin_at, target_at, horizon_h, kind, rank, feature, 1.5 as value,
    moved as contribution, unit, 'linear' as explained_model, 1.0 as weight, created_at
from marts.fct_current_forecasts,
    (values ('start', 0, 'starting point', 12.0), ('group', 1, 'recent hours', 2.0), ('group', 2, 'neighbours', -1.0),
        ('rest', 3, 'everything else', 0.3), ('feature', 1, 'last value', 1.4)) as t (kind, rank, feature, moved)
where horizon_h in (1, 3, 6, 12, 18, 24, 36, 48)

-- dim_model_versions
select
    dataset || '-' || model || '-20261114T0600-' || hash as model_version, dataset, model, role, status,
    'run-0' as run_id, 'abc' as data_hash,
    $origin - interval 7 day as trained_at, $origin - interval 20 day as report_from,
    $origin - interval 8 day as report_to, mae as report_mae, 1 - mae / 1.4 as report_skill, mae / 3 as report_pinball,
    0.8 as report_coverage_80, 'first version' as decision,
    'reports/' || model || '.html' as report, '{"models": {"trees": ' || (mae * 100)::int || '}}' as params
from (values ('sgpm'), ('weather')) as d (dataset),
    (values
        ('linear', '0a1b2c3d', 'champion', 'champion', 1.0), ('lightgbm_direct', '1b2c3d4e', 'challenger', 'candidate', 1.1)
    )
        as m (model, hash, role, status, mae)

-- fct_champion_history
select
    dataset, model_version, model, trained_at as valid_from, null as valid_to, true as is_current, 'promote' as action,
    'first version' as reason, 'train' as actor, run_id, run_id || '.' || dataset as event_id
from marts.dim_model_versions where status = 'champion'

-- fct_model_drift
select
    dataset, dataset || '-linear-20261114T0600-0a1b2c3d' as model_version, 'all' as series_id, measure,
    $origin - to_days(i) as origin_at, 1.0 as value, 1.0 as promised, (7 - i) * 0.4 as cusum, false as is_drift
from (values ('sgpm'), ('weather')) as d (dataset), (values ('error'), ('miss_80')) as m (measure),
    range(0, 7) as t (i)

-- fct_realised_errors
select
    dataset, dataset || '-linear-20261114T0600-0a1b2c3d' as model_version, series_id, lead as lead_to_h, 7 as n_origins,
    100 as n_hours, 1.2 as mae, 1.1 as mae_promised, 1.09 as ratio, 0.8 as coverage_80, 0.8 as coverage_80_promised
from marts.dim_series, (values (6), (12), (24), (48)) as t (lead)

-- fct_drift
select
    'run-' || i as run_id, $origin - to_days(i) as created_at, dataset, series_id, 'target' as kind, 'level' as aspect,
    48 as window_h, 0.5 as score, 0.3 as usual, 0.6 as score_limit, 0.2 as q_value,
    i = 2 and series_id like '%-0.%' as is_drift, case when i = 2 then 'higher by 0.4 sd' end as what,
    'drift/run-' || i || '.html' as page
from marts.dim_series, range(0, 7) as t (i)

-- fct_alarms
select
    'fallback:sgpm' as alarm_id, $origin as raised_at, 'run-1' as raised_by, true as is_open, 'fallback' as kind,
    'warning' as severity, '1 of 3 series of sgpm are answered by statistical' as what,
    'rung_reason in fct_forecasts says why' as next_step

-- fct_decisions
select
    'run-1' as run_id, $origin as created_at, dataset, 'hold' as action, [] as triggers,
    'nothing asks for a change' as reason
from (values ('sgpm'), ('weather')) as d (dataset)

-- fct_loads
select
    source, 'hourly' as endpoint, subject, $origin as last_attempt_at, $origin as last_ok_at, last_observed_at,
    case when place_id = 'city-0' then 9 else 0 end as n_hours_late, 4 as n_attempts, 0 as n_failed, 0 as n_rejected,
    case when place_id = 'city-0' then 1 else 0 end as n_open_windows,
    case when place_id = 'city-0' then 'HTTP 503' end as failing_reason
from marts.dim_series

-- fct_quarantine
select series_id, 1 as payload_seq, source, last_observed_at as observed_at, $origin as fetched_at, -1.0 as value,
    'station offline marker -1' as reason
from marts.dim_series where n_quarantined > 0

-- fct_run_costs
select
    'run-' || i as run_id, 'daily' as flow, $origin - to_days(6 - i) as as_of, as_of as started_at,
    case when i = 6 then 'incomplete' else 'ok' end as status, i = 0 as is_training, 9 as n_steps, 60.0 + i as seconds,
    40.0 as cpu_seconds, 900.0 as peak_mib, 30 as n_calls, 30.0 as call_weight, 288 as n_forecasts,
    0.001 as cost_machine, 0.0 as cost_motherduck, 0.0 as cost_calls, 0.001 as cost, 'USD' as currency,
    0.003 as cost_per_1000
from range(0, 7) as t (i)

-- fct_runs
select run_id, flow, step, as_of, started_at, status, share * seconds as seconds, cpu_seconds, peak_mib, 100 as n_rows,
    n_calls, call_weight, cost, currency, case when step = 'load' then
        '{"allowances": [{"source": "open_meteo", "most": 10000.0, "seconds": 86400.0, "used": 2500.0}]}' end as detail
from marts.fct_run_costs, (values ('load', 0.2), ('dbt before ml', 0.5), ('predict', 0.3)) as t (step, share)

-- fct_value
select
    'forecast' as kind, dataset as subject, dataset, 'naive_day' as reference, 'all' as period, 336 as n, 7 as n_days,
    'µg/m³' as unit, 1.2 as loss, 1.6 as loss_reference, 0.0 as loss_perfect, 0.4 as saving, 0.25 as value,
    true as is_hardest, false as is_enough
from (values ('sgpm'), ('weather')) as d (dataset)
