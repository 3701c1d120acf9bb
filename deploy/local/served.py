"""One of our own Python servers as a part: a service, the issuer or the simulator."""

import sys
from collections.abc import Mapping

import aiohttp

from local.child import Child
from local.errors import LocalError
from local.ports import is_free
from local.state import StateFolder


class Served:
    """`python -m <module>` on a port, ready when GET /health/ready says 200."""

    def __init__(
        self,
        name: str,
        module: str,
        port: int,
        env: Mapping[str, str],
        state: StateFolder,
        *,
        ready_within: float = 60.0,
    ) -> None:
        self.name, self.port = name, port
        self.url = f"http://127.0.0.1:{port}"
        self._ready_within = ready_within
        self._child = Child(
            name, [sys.executable, "-m", module], state / "logs" / f"{name}.log", state / "run" / f"{name}.json", env
        )

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def ended_with(self) -> int | None:
        return self._child.ended_with

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises LocalError when another program has the port."""
        await self.begin()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:

            async def answers() -> bool:
                try:
                    async with http.get(f"{self.url}/health/ready") as answer:
                        return answer.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    return False

            await self._child.ready(answers, self._ready_within)

    async def begin(self) -> None:
        """Start it without waiting."""
        if self.alive:
            return
        if not is_free(self.port):
            raise LocalError(f"{self.name} cannot listen: another program has port {self.port} (see --free-ports)")
        await self._child.spawn()

    async def stop(self) -> None:
        """SIGTERM, ten seconds to drain, then SIGKILL."""
        await self._child.end(grace=10)

    async def kill(self) -> None:
        await self._child.kill()
