"""A small quarter played once, for all tests that ask what it leaves when nothing happens to it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import asyncpg
import pytest
from demo.quarter import Left, Tampered, whole

from local.demo.doors import OPERATOR, Doors
from local.demo.ending import CHECK
from local.stack import Stack

TAMPER = """
update sla.cycles set class_a = case class_a when 'ahead' then 'overdue' else 'ahead' end
where (case_id, cycle) = (select case_id, cycle from sla.cycles where class_a is not null order by case_id limit 1)
returning case_id
"""


@pytest.fixture(scope="session")
def after() -> Tampered:
    return Tampered()


@pytest.fixture(scope="session")
def left(kafka: str, postgres: str, after: Tampered) -> Left:
    """One run, on which all tests of an unhurt quarter look."""

    async def tamper(stack: Stack) -> None:
        connection = await asyncpg.connect(stack.about()["database"])
        after.case_id = await connection.fetchval(TAMPER)
        await connection.close()
        async with Doors({}, stack.url("issuer"), stack.dev_secret) as doors:
            token = await doors.token(OPERATOR)
        arguments = ["--bootstrap", stack.kafka, "--prefix", stack.topic_prefix, "--sla", stack.url("sla")]
        check = await asyncio.create_subprocess_exec(
            sys.executable, str(CHECK), *arguments, env={**os.environ, "ONEDOOR_TOKEN": token}, stdout=PIPE
        )
        said, _ = await check.communicate()
        after.status, after.said = check.returncode or 0, said.decode()

    return asyncio.run(whole(kafka, postgres, tamper))
