"""The tables Python writes: `raw` (what was received, and who is private) and `ml` (what was concluded).

All `*_at` columns are UTC timestamps without zone. Everything else in the warehouse is built by dbt.
"""

from __future__ import annotations

import duckdb

RAW = """
create schema if not exists raw;
create table if not exists raw.payloads (
    payload_seq   bigint not null,     -- rises by one with every body stored: the watermark of staging
    run_id        varchar not null,
    source        varchar not null,    -- open_meteo, data_gov_sg, energy_charts, files
    endpoint      varchar not null,    -- archive, forecast, previous_runs, air_quality, pm25, public_power, csv
    subject       varchar not null,    -- place_id, country or file subject asked for
    window_start  timestamp not null,  -- [window_start, window_end) in UTC
    window_end    timestamp not null,
    fetched_at    timestamp not null,
    mode          varchar not null,    -- live, or backfill
    status        varchar not null,    -- ok, or rejected (kept, never parsed)
    reason        varchar,             -- why rejected, or a note on an accepted body
    sha256        varchar not null,    -- of the body without its volatile fields
    body          json,                -- as received; null where it was no JSON
    body_text     varchar,             -- as received, where it was no JSON
    n_bytes       bigint not null
);
create table if not exists raw.loads (
    run_id           varchar not null,
    source           varchar not null,
    endpoint         varchar not null,
    subject          varchar not null,
    window_start     timestamp not null,
    window_end       timestamp not null,
    attempted_at     timestamp not null,
    status           varchar not null,  -- ok, empty, failed, rejected
    reason           varchar,
    n_expected       integer not null,  -- hours of the window that lie before attempted_at
    n_present        integer not null,  -- of those, hours with at least one value
    last_observed_at timestamp,
    is_new_body      boolean not null,  -- false: the same body as before, not stored again
    http_status      integer,
    weight           double not null,   -- call weight counted against the limits
    seconds          double not null
);
create table if not exists raw.private_places (
    place_id varchar not null,
    shown_id varchar not null,    -- its pseudonym: the id outside this schema
    words    varchar[] not null,  -- what must not be read elsewhere: id, name, subjects, coordinates, of now and before
    pattern  varchar not null,    -- any of the words, for regexp_replace
    noted_at timestamp not null
);
"""

ML = """
create schema if not exists ml;
create table if not exists ml.model_versions (
    model_version varchar not null, dataset varchar not null, model varchar not null,
    run_id varchar not null, trained_at timestamp not null, data_as_of timestamp not null,
    data_hash varchar not null, params json not null, git_sha varchar,
    artefact varchar, artefact_sha256 varchar,
    train_from timestamp, train_to timestamp, select_from timestamp, select_to timestamp,
    report_from timestamp, report_to timestamp, metrics json not null
);
create table if not exists ml.champion_events (
    event_id varchar not null, run_id varchar not null, event_at timestamp not null, dataset varchar not null,
    model_version varchar not null, action varchar not null, reason varchar not null, actor varchar not null
);
alter table ml.champion_events add column if not exists event_seq bigint;  -- order among events of one moment
create table if not exists ml.forecasts (
    run_id varchar not null, model_version varchar not null, dataset varchar not null, series_id varchar not null,
    origin_at timestamp not null, target_at timestamp not null, horizon_h integer not null,
    point double not null, q05 double not null, q10 double not null, q25 double not null, q50 double not null,
    q75 double not null, q90 double not null, q95 double not null,
    rung varchar not null, rung_reason varchar, data_as_of timestamp, created_at timestamp not null
);
create table if not exists ml.shadow_forecasts (
    run_id varchar not null, arm varchar not null, model_version varchar not null, dataset varchar not null,
    series_id varchar not null, origin_at timestamp not null, target_at timestamp not null, horizon_h integer not null,
    point double not null, q05 double not null, q10 double not null, q25 double not null, q50 double not null,
    q75 double not null, q90 double not null, q95 double not null,
    rung varchar not null, created_at timestamp not null
);
create table if not exists ml.arms (
    run_id varchar not null, created_at timestamp not null, dataset varchar not null, series_id varchar not null,
    mode varchar not null, trial varchar not null, arm varchar not null, model_version varchar not null,
    propensity double not null, reason varchar not null
);
create table if not exists ml.decisions (
    run_id varchar not null, created_at timestamp not null, dataset varchar not null, action varchar not null,
    triggers varchar[] not null, reason varchar not null, evidence json not null
);
create table if not exists ml.backtests (
    run_id varchar not null, dataset varchar not null, model varchar not null, role varchar not null,
    series_id varchar not null, origin_at timestamp not null, horizon_h integer not null,
    actual double not null, point double not null, q05 double, q10 double, q25 double, q50 double,
    q75 double, q90 double, q95 double, scale double
);
create table if not exists ml.explanations (
    run_id varchar not null, model_version varchar not null, dataset varchar not null, series_id varchar not null,
    origin_at timestamp not null, horizon_h integer not null,
    kind varchar not null, rank integer not null, feature varchar not null,
    value double, contribution double not null, unit varchar not null,
    explained_model varchar not null, weight double, created_at timestamp not null
);
alter table ml.model_versions add column if not exists report varchar;
create table if not exists ml.alert_models (
    rule_id varchar not null, event_hash varchar not null, model_version varchar not null, run_id varchar not null,
    trained_at timestamp not null, method varchar not null, calibration varchar not null, reason varchar not null,
    n_rows bigint not null, n_events bigint not null, n_event_days bigint not null,
    params json not null, metrics json not null, sha256 varchar not null,
    train_from timestamp, select_from timestamp, report_from timestamp, report_to timestamp
);
alter table ml.alert_models add column if not exists report varchar;
create table if not exists ml.alert_probabilities (
    run_id varchar not null, rule_id varchar not null, event_hash varchar not null, series_id varchar not null,
    origin_at timestamp not null, window_start timestamp not null, window_end timestamp not null,
    probability double not null, climatology double not null, act_from double not null, is_alert boolean not null,
    method varchar not null, model_version varchar not null, reason varchar, created_at timestamp not null
);
create table if not exists ml.drift (
    run_id varchar not null, created_at timestamp not null, dataset varchar not null, series_id varchar not null,
    kind varchar not null, aspect varchar, window_h integer, reference varchar, current_to timestamp not null,
    n_current integer, n_reference integer, n_past integer, score double, usual double, score_limit double,
    p_value double, q_value double, shift double, ratio double, still double,
    is_drift boolean not null, what varchar, why_not varchar
);
alter table ml.drift add column if not exists page varchar;  -- relative to the data folder, once it is drawn
create table if not exists ml.alarms (
    run_id varchar not null, created_at timestamp not null, alarm_id varchar not null, state varchar not null,
    kind varchar not null, severity varchar not null, what varchar not null, next_step varchar not null,
    evidence varchar not null
);
create table if not exists ml.override_events (
    event_id varchar not null, event_seq bigint not null, event_at timestamp not null, action varchar not null,
    override_id varchar not null, dataset varchar not null, series_id varchar not null,
    target_from timestamp not null, target_to timestamp not null, method varchar not null, value double not null,
    reason varchar not null, actor varchar not null
);
create table if not exists ml.silence_events (
    event_id varchar not null, event_seq bigint not null, event_at timestamp not null, action varchar not null,
    silence_id varchar not null, rule_id varchar not null, series_id varchar,  -- null: every series of the rule
    window_from timestamp not null, window_to timestamp not null, reason varchar not null, actor varchar not null
);
create table if not exists ml.runs (
    run_id varchar not null, flow varchar not null, step varchar not null, as_of timestamp not null,
    started_at timestamp not null, finished_at timestamp not null, status varchar not null,
    seconds double not null, cpu_seconds double not null, peak_mib double not null,
    n_rows bigint, detail json
);
alter table ml.runs add column if not exists read_bytes bigint;  -- null where the platform does not count them
alter table ml.runs add column if not exists written_bytes bigint;
alter table ml.runs add column if not exists n_calls bigint;  -- to upstream APIs; null where the step makes none
"""


def ensure_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Creates what is missing; touches nothing that is there."""
    con.execute(RAW)
    con.execute(ML)
