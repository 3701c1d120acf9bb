"""The only place with personal data. Events carry `applicant_ref`; erasing a person touches no fact."""

from typing import Annotated

import asyncpg
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from events.http.parameters import NO_ZERO
from events.store.database import Connection, Pool

KEEP = """
insert into people (applicant_ref, name, phone, address, id_number, zalo_id, note) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (applicant_ref) do update set name = excluded.name, phone = excluded.phone, address = excluded.address,
    id_number = coalesce(excluded.id_number, people.id_number), zalo_id = coalesce(people.zalo_id, excluded.zalo_id),
    note = coalesce(people.note, excluded.note)
"""
PERSON = "select name, phone, address, id_number, zalo_id, note from people where applicant_ref = $1"
ZALO_ID = "select zalo_id from people where applicant_ref = $1"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=NO_ZERO)]


class Person(BaseModel):
    """An applicant as typed in at the counter."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    phone: Annotated[str, Field(pattern=r"^\+?\d{8,15}$")]
    address: Text
    id_number: Annotated[str, Field(pattern=r"^[0-9A-Z]{6,20}$")] | None = None
    zalo_id: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")] | None = None
    note: Annotated[str, Field(max_length=2000, pattern=NO_ZERO)] | None = None


async def keep(connection: Connection, applicant_ref: str, person: Person) -> None:
    """Keep a person in the transaction of the fact that refers to them; the counter completes what came over Zalo."""
    await connection.execute(
        KEEP, applicant_ref, person.name, person.phone, person.address, person.id_number, person.zalo_id, person.note
    )


async def find(pool: Pool, applicant_ref: str) -> Person | None:
    """The person behind a reference, unless they were erased."""
    row: asyncpg.Record | None = await pool.fetchrow(PERSON, applicant_ref)
    return None if row is None else Person.model_construct(**dict(row))


async def zalo_id(pool: Pool, applicant_ref: str) -> str | None:
    found: str | None = await pool.fetchval(ZALO_ID, applicant_ref)
    return found
