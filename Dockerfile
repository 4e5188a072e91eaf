# syntax=docker/dockerfile:1
# Three images: `flow` (a run, a Prefect worker, every `skyduck` command), `api` (port 8000), `dashboard` (port 8501).
# They run as a user without rights and write below /data (a volume) and /tmp only: run them with --read-only --tmpfs /tmp.
# The base is named by its tag, so that a build takes its security updates; `--build-arg PYTHON=python@sha256:…` pins it.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS installed
WORKDIR /app
COPY .ci/install .ci/part .ci/
COPY pyproject.toml requirements.lock ./
RUN .ci/install /venv python3 run && python3 -m compileall -q /venv/lib

FROM ${PYTHON} AS installed-api
WORKDIR /app
COPY .ci/install .ci/part .ci/
COPY pyproject.toml requirements.lock ./
RUN .ci/install /venv python3 api && python3 -m compileall -q /venv/lib

FROM ${PYTHON} AS base
# Whatever a library likes to write at home or beside its code goes to /tmp; what is to stay lies in the data folder.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/tmp/numba \
    DO_NOT_TRACK=1 \
    DVC_NO_ANALYTICS=1 \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    STREAMLIT_BROWSER_GATHER_USAGE_STATS=false \
    SKYDUCK_DATA_DIR=/data
RUN groupadd --gid 10001 skyduck \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin skyduck \
    && install -d -o skyduck -g skyduck /data /keys
WORKDIR /app
VOLUME /data
USER 10001:10001

FROM base AS api
COPY --from=installed-api /venv /venv
COPY pyproject.toml ./
COPY warehouse warehouse
COPY api api
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
# Wider than this machine it serves only with a key in use: `skyduck keys issue NAME` in the image `flow`.
CMD ["python", "-m", "api", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS flow
# hadolint ignore=DL3066
USER root
# LightGBM's threads, with whatever security update there is.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
COPY --from=installed /venv /venv
COPY . .
# The commit that the image is of: it stands in the record of each model that is trained in it.
ARG GIT_SHA=
ENV SKYDUCK_GIT_SHA=${GIT_SHA}
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "flows"]
CMD ["run", "--plain"]

FROM flow AS dashboard
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT []
CMD ["python", "-m", "streamlit", "run", "dashboard/app.py", "--server.address", "0.0.0.0"]
