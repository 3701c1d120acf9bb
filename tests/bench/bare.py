"""What intake is measured against: a FastAPI handler that validates a body and inserts one row with asyncpg."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

pools: list["asyncpg.Pool[asyncpg.Record]"] = []


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10)
    assert pool is not None
    await pool.execute(
        "create table if not exists bare (id bigint generated always as identity primary key, body text)"
    )
    pools.append(pool)
    yield


app = FastAPI(lifespan=lifespan)


class Applicant(BaseModel):
    name: str
    phone: str
    address: str


class Application(BaseModel):
    counter: str
    service: str
    district: str
    documents: tuple[str, ...]
    applicant: Applicant


@app.post("/applications", status_code=201)
async def receive(body: Application) -> dict[str, int]:
    id = await pools[0].fetchval("insert into bare (body) values ($1) returning id", body.model_dump_json())
    return {"id": id}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
