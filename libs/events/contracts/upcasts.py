"""One step per retired schema: from the plain dict of version n to that of version n + 1.

`UPCASTS["ApplicationReceived", 1]` turns v1 data into v2 data. Facts are never rewritten in the log.
"""

from collections.abc import Callable, Mapping
from typing import Any

Step = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: Mapping[tuple[str, int], Step] = {}
