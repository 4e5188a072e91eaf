"""Settings: defaults that run offline; a secret is demanded only where it is used."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from warehouse.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
LIVE_DATA = Path(".data/live")


class Settings(BaseSettings):
    """Read from the environment (`SKYDUCK_*`) and `.env`; every field has a working default."""

    model_config = SettingsConfigDict(
        env_prefix="SKYDUCK_", env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    target: Literal["dev", "staging", "prod"] = "dev"
    data_dir: Path = Path(".data")
    motherduck_token: SecretStr | None = Field(default=None, validation_alias="MOTHERDUCK_TOKEN")
    motherduck_read_token: SecretStr | None = Field(default=None, validation_alias="MOTHERDUCK_READ_TOKEN")
    motherduck_database: str = Field(default="skyduck", pattern=r"^[a-z][a-z0-9_]{0,40}$")
    # MotherDuck users, separated by commas, who may attach the published database
    motherduck_readers: str = Field(default="", pattern=r'^[^"]*$')
    motherduck_address: str = "md:"  # or a folder: DuckDB files there stand in for MotherDuck's databases

    upstream: Literal["sample", "live"] = "sample"
    sample_url: str | None = None  # a running sample server; without it `skyduck run` starts one
    history_days: int = Field(default=400, ge=1, le=40_000)
    drop_dir: Path | None = None  # default: <data_dir>/drop
    seeds_dir: Path = ROOT / "dbt_project" / "seeds"
    pseudonym_key: SecretStr | None = Field(default=None, min_length=32)  # demanded where a place is private
    open_meteo_api_key: SecretStr | None = None
    data_gov_sg_api_key: SecretStr | None = None
    sample_limits: Literal["off", "documented"] = "off"  # whether a sample upstream is asked as slowly as a live one
    retry_wait_scale: float = Field(default=1.0, ge=0)  # waits between retries are multiplied by this
    http_attempts: int = Field(default=4, ge=1, le=20)
    http_read_seconds: float = Field(default=30.0, gt=0)  # longest silence within an answer
    http_total_seconds: float = Field(default=180.0, gt=0)  # longest time for one whole answer
    http_max_mib: float = Field(default=64.0, gt=0)  # a larger body is refused
    give_up_after: int = Field(default=3, ge=1)  # failures in a row after which a host is left alone for this run

    export_to: str | None = None  # a folder or bucket that the daily run exports to, once it has published
    notify: SecretStr | None = None  # Apprise URLs, separated by spaces: where alarms are told beside the log
    operators: str = ""  # e-mail addresses, separated by commas: who may decide about models in the dashboard
    promotion_policy: Literal["auto", "manual"] | None = None  # in place of params.yaml's

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65_535)
    api_rate_limit: str = "600/minute"  # of each key, or of each address where there is none
    api_cors_origins: str = ""  # web pages that may ask, separated by spaces
    api_cache_mib: int = Field(default=128, ge=1)

    engine: Literal["local", "ray"] = "local"  # ray: tasks of the cluster that RAY_ADDRESS names (ml/engine.py)
    threads: int = Field(default=2, ge=1)
    memory_limit: str = "4GiB"  # of DuckDB, which takes a quarter more with what it does not count

    @cached_property
    def warehouse_path(self) -> Path:
        return self.data_dir.resolve() / "warehouse" / "skyduck.duckdb"

    @cached_property
    def drop_path(self) -> Path:
        return (self.drop_dir or self.data_dir / "drop").resolve()

    @cached_property
    def models_path(self) -> Path:
        return self.data_dir.resolve() / "models"

    @cached_property
    def published_path(self) -> Path:
        return self.data_dir.resolve() / "published"

    @property
    def operator_emails(self) -> frozenset[str]:
        return frozenset(email.strip().lower() for email in self.operators.split(",") if email.strip())

    @property
    def motherduck_reader_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.motherduck_readers.split(",") if name.strip())

    @property
    def is_motherduck(self) -> bool:
        return self.target != "dev"

    @property
    def follows_motherduck(self) -> bool:
        """Whether what is published is fetched from there: without a token what lies in the data folder is read."""
        return self.is_motherduck and (self.motherduck_token or self.motherduck_read_token) is not None

    @property
    def database(self) -> str:
        """Database name on MotherDuck: staging has its own."""
        return self.motherduck_database + ("_staging" if self.target == "staging" else "")

    @property
    def motherduck_path(self) -> str:
        """What dbt opens: the database on MotherDuck, or the file that stands in for it."""
        if self.motherduck_address == "md:":
            return f"md:{self.database}"
        return str(Path(self.motherduck_address).resolve() / f"{self.database}.duckdb")

    @property
    def published_database(self) -> str:
        """Database name on MotherDuck of what is published: marts and nothing else."""
        return f"{self.database}_published"


def load_settings(**overrides: object) -> Settings:
    """Settings of the environment; live data gets a directory of its own where none is named. Raises BadInput."""
    try:
        found = Settings(**overrides)  # type: ignore[arg-type]
        if found.upstream == "live" and "data_dir" not in found.model_fields_set:
            found = Settings(**overrides, data_dir=LIVE_DATA)  # type: ignore[arg-type]
        return found
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadInput("setting refused: " + "; ".join(lines)) from None
