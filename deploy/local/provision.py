"""One login role and one schema per service, on any PostgreSQL: the embedded one or one that was given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from events.contracts.channels import SERVICES

_LOCK = 0x6F6E65646F6F72  # "onedoor"

ROLE_EXISTS = "select true from pg_roles where rolname = $1"
DATABASE_EXISTS = "select true from pg_database where datname = $1"
# Names and passwords cannot be parameters of these statements; the server quotes them itself.
STATEMENT = "select format($1, variadic $2::text[])"

CREATE_DATABASE = "create database %I"
CREATE_ROLE = "create role %I login"
SET_PASSWORD = "alter role %I password %L"
# An admin that is no superuser may only give a schema to a role that it belongs to.
JOIN_ROLE = "grant %I to current_user"
CREATE_SCHEMA = "create schema if not exists %I authorization %I"
ALLOW_CONNECT = "grant connect on database %I to %I"
FORBID_CONNECT = "revoke all on database %I from public"
FORBID_PUBLIC = "revoke all on schema public from public"
SEARCH_PATH = "alter role %I in database %I set search_path = %I"
# No transaction of a service may hold the followers' horizon back for longer than this.
STATEMENT_TIMEOUT = "alter role %I set statement_timeout = '60s'"
IDLE_TIMEOUT = "alter role %I set idle_in_transaction_session_timeout = '60s'"

DROP_DATABASE = "drop database if exists %I with (force)"
DROP_ROLE = "drop role if exists %I"


@dataclass(frozen=True)
class Provisioned:
    """Where the database is, and each service's own address in it."""

    admin: str
    services: Mapping[str, str]


async def provision(admin_url: str, password: Callable[[str], str], *, database: str | None = None) -> Provisioned:
    """Make roles and schemas, and the database when one is named; doing it again changes nothing.

    admin_url: a superuser, or an owner of the database that may create roles. password: gives the password of a role,
    the same for every call that shares the database, or services that run already are locked out. Roles belong to the
    whole cluster, so they carry the database's name: two onedoors on one server do not meet.
    """
    if database is not None:
        admin_url = await _with_database(admin_url, database)
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        name = str(await connection.fetchval("select current_database()"))
        superuser = bool(await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"))
        await _run(connection, FORBID_CONNECT, name)
        await _run(connection, FORBID_PUBLIC)
        urls = {}
        for service in SERVICES:
            role = f"{name}_{service}"
            await _give_home(connection, service, role, name, password(role), join=not superuser)
            urls[service] = address(admin_url, user=role, password=password(role))
        return Provisioned(admin_url, urls)
    finally:
        await connection.close()


async def unprovision(admin_url: str, database: str) -> None:
    """Drop a database that `provision` made, with everything in it, and its roles."""
    connection = await asyncpg.connect(admin_url)
    try:
        await _run(connection, DROP_DATABASE, database)
        for service in SERVICES:
            await _run(connection, DROP_ROLE, f"{database}_{service}")
    finally:
        await connection.close()


def address(url: str, *, user: str | None = None, password: str | None = None, database: str | None = None) -> str:
    """The same server for another login or another database."""
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    if user is not None:
        login = f"{quote(user, safe='')}:{quote(password or '', safe='')}"
    path = parts.path if database is None else f"/{quote(database, safe='')}"
    return urlunsplit((parts.scheme, f"{login}@{place}" if login else place, path, parts.query, parts.fragment))


async def _with_database(admin_url: str, database: str) -> str:
    if unquote(urlsplit(admin_url).path.lstrip("/")) != database:
        connection = await asyncpg.connect(admin_url)
        try:
            if not await connection.fetchval(DATABASE_EXISTS, database):
                await _run(connection, CREATE_DATABASE, database)
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            pass  # another start made it between the question and the statement
        finally:
            await connection.close()
    return address(admin_url, database=database)


async def _give_home(
    connection: "asyncpg.Connection[asyncpg.Record]",
    schema: str,
    role: str,
    database: str,
    password: str,
    *,
    join: bool,
) -> None:
    if not await connection.fetchval(ROLE_EXISTS, role):
        await _run(connection, CREATE_ROLE, role)
    await _run(connection, SET_PASSWORD, role, password)
    if join:
        await _run(connection, JOIN_ROLE, role)
    await _run(connection, CREATE_SCHEMA, schema, role)
    await _run(connection, ALLOW_CONNECT, database, role)
    await _run(connection, SEARCH_PATH, role, database, schema)
    await _run(connection, STATEMENT_TIMEOUT, role)
    await _run(connection, IDLE_TIMEOUT, role)


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, *names: str) -> None:
    await connection.execute(await connection.fetchval(STATEMENT, statement, list(names)))
