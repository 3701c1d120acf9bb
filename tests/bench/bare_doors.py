"""What the gateway over HTTP is measured against: a FastAPI handler that validates a batch of CloudEvents and inserts
it with one statement, as the same rows of the same table."""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

TABLE = "create table if not exists bare_events (like events including all)"
INSERT = """
insert into bare_events (epoch, tx, stream, version, subject, type, schema, at, recorded_at, actor, correlation,
    causation, trace, data, hash)
select 1, pg_current_xact_id(), stream, 1, subject, type, 1, at, clock_timestamp(), 'bare', causation, causation, null,
    data, hash
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[])
    as u (stream, subject, type, at, causation, data, hash)
"""
pools: list["asyncpg.Pool[asyncpg.Record]"] = []


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10)
    assert pool is not None
    await pool.execute(TABLE)
    pools.append(pool)
    yield


app = FastAPI(lifespan=lifespan)


class Event(BaseModel):
    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    data: dict[str, Any]


@app.post("/events", status_code=207)
async def take(events: list[Event]) -> list[dict[str, str]]:
    rows = []
    for one in events:
        name, data = f"{one.source}/{one.id}", json.dumps(one.data).encode()
        stream = f"foreign-{hashlib.sha256(name.encode()).hexdigest()}"
        rows.append((stream, one.data["case_id"], one.type, one.time, name, data, hashlib.sha256(data).digest()))
    await pools[0].execute(INSERT, *zip(*rows, strict=True))
    return [{"result": "accepted", "source": one.source, "id": one.id} for one in events]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
