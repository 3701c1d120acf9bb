"""The people's table on a real database."""

from pathlib import Path

from events.store import database as postgres_of
from intake import people
from intake.people import Person

MIGRATIONS = Path(__file__).parents[2] / "services" / "intake" / "migrations"


async def test_the_counter_completes_what_a_customer_sent(database: dict[str, str]) -> None:
    """Name, phone and address are typed in at reception; the account and the customer's own words stay."""
    pool = await postgres_of.connect(database["intake"])
    try:
        await postgres_of.migrate(pool, postgres_of.LOG, MIGRATIONS)
        async with pool.acquire() as connection:
            sent = ("p-1", "", "", "", None, "zalo-7", "xin cấp điện (mẫu)")
            await connection.execute(people.KEEP, *sent)
            typed = Person(name="Nguyễn Văn Mẫu", phone="0900000001", address="1 Đường Mẫu")
            await people.keep(connection, "p-1", typed)
        found = await people.find(pool, "p-1")
        assert found is not None
        assert (found.name, found.zalo_id, found.note) == ("Nguyễn Văn Mẫu", "zalo-7", "xin cấp điện (mẫu)")
    finally:
        await pool.close()
