"""Each service has a login and a schema of its own, and nothing of the others'."""

import asyncpg
import pytest

from events.contracts.channels import SERVICES
from local.provision import address, provision, unprovision


async def test_each_service_writes_in_its_own_schema(database: dict[str, str]) -> None:
    for service in SERVICES:
        await run(database[service], "create table facts (said text)", "insert into facts values ('mine')")
        where = "select schemaname from pg_tables where tablename = 'facts' and tableowner = current_user"
        assert await value(database[service], where) == service


@pytest.mark.parametrize("other", [service for service in SERVICES if service != "routing"])
async def test_no_service_reads_anothers_schema(database: dict[str, str], other: str) -> None:
    await run(database[other], "create table people (name text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(database["routing"], f"select * from {other}.people")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(database["routing"], f"create table {other}.mine (one int)")


async def test_no_service_writes_in_the_public_schema(database: dict[str, str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(database["sla"], "create table public.facts (said text)")


async def test_no_transaction_may_hold_the_horizon_back_for_long(database: dict[str, str]) -> None:
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        assert await value(database["field"], f"show {setting}") == "1min"


async def test_doing_it_again_changes_nothing(database: dict[str, str]) -> None:
    await run(database["intake"], "create table facts (said text)")
    again = await provision(database["admin"], lambda role: "test")
    assert dict(again.services) == {name: url for name, url in database.items() if name != "admin"}
    assert await value(database["intake"], "select count(*) from facts") == 0


async def test_an_owner_who_may_create_roles_is_enough(database: dict[str, str], postgres: str) -> None:
    """A managed server gives nobody a superuser."""
    name = str(await value(database["admin"], "select current_database()")) + "_o"
    owner = f"{name}_owner"
    await run(
        postgres, f"create role {owner} login createrole password 'test'", f"create database {name} owner {owner}"
    )
    try:
        url = address(postgres, user=owner, password="test", database=name)
        for _ in range(2):
            made = await provision(url, lambda role: "test")
        await run(made.services["sla"], "create table facts (said text)")
    finally:
        await unprovision(postgres, name)
        await run(postgres, f"drop role {owner}")


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
