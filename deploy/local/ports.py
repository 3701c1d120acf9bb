"""Free ports that stay ours while the part that listens on them is down."""

import errno
import random
import socket

# Below the range from which Linux (32768-60999), macOS and Windows (49152 and up) take ports for outgoing
# connections. In that range a client that keeps trying a dead port of its own machine is one day given that very
# port as its own end, connects to itself, and the restarted server finds its port taken.
LOWEST, HIGHEST = 20_000, 32_000

_chance = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A port on 127.0.0.1 on which nothing listens now, and which this process has not given out before."""
    for _ in range(1_000):
        port = _chance.randrange(LOWEST, HIGHEST)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError(errno.EADDRINUSE, "no free port found")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
