"""What a service is told by its environment."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field per environment variable of the same name (upper case)."""

    model_config = SettingsConfigDict(extra="ignore")

    kafka_bootstrap_servers: str
    database_url: str
    oidc_issuer: str
    onedoor_host: str = "127.0.0.1"
    onedoor_port: int = 8100
    onedoor_clock: Literal["wall", "log"] = "wall"  # log: the caller says what time it is (demo, tests, imports)
    onedoor_instance: str = "1"  # names this process among the replicas of its service
    onedoor_topic_prefix: str = ""  # keeps several systems apart on one broker
    onedoor_catalogue: Path = Path(__file__).parents[2] / "deploy" / "catalogue"
    onedoor_emitters: Path = Path(__file__).parents[2] / "deploy" / "emitters.yaml"  # other systems, for intake
    onedoor_contracts: Path = Path(__file__).parents[2] / "docs"  # what `onedoor contracts write` made; intake shows it
    onedoor_segments: Path | None = None  # what `onedoor events export` wrote; sla rebuilds from it when it is asked to
    onedoor_signing_key: Path | None = None  # PEM of an Ed25519 key: sla signs with it what it vouches for

    @property
    def log_clock(self) -> bool:
        return self.onedoor_clock == "log"

    def environment(self) -> dict[str, str]:
        """The same settings for a child process."""
        return {name.upper(): str(value) for name, value in self.model_dump(exclude_none=True).items()}
