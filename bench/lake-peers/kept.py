"""Counts and adds up what readers that are not Andon's find in a lake: `kept.py <folder of the lake> <readers>`.

Readers are `deltalake`, Delta Lake's own, and `duckdb`, on the files that the newest version names. Prints JSON: an object
for each.
"""

import json
import sys

from deltalake import DeltaTable, QueryBuilder

TABLES = ["readings", "readings_tags", "quarantine"]

QUERIES = {
    "rows": "SELECT count(*) FROM readings",
    "quarantined": "SELECT count(*) FROM quarantine",
    "ids": "SELECT count(DISTINCT ingest_id) FROM (SELECT ingest_id FROM readings UNION ALL SELECT ingest_id FROM quarantine) a",
    "sum_of_ids": "SELECT sum(ingest_id) FROM (SELECT ingest_id FROM readings UNION ALL SELECT ingest_id FROM quarantine) a",
    "arrays": "SELECT count(tags) FROM readings",
    "elements": "SELECT count(*) FROM readings_tags",
}
DISTINCT = {
    "readings": "SELECT count(*) FROM (SELECT DISTINCT n, v FROM readings) a",
    "numbers": "SELECT sum(n) FROM (SELECT DISTINCT n, v FROM readings) a",
    "values": "SELECT sum(v) FROM (SELECT DISTINCT n, v FROM readings) a",
    "tags": 'SELECT sum(s) FROM (SELECT DISTINCT r.n, t.s FROM readings r JOIN'
    ' (SELECT ingest_id, sum("tags.val") AS s FROM readings_tags GROUP BY 1) t ON t.ingest_id = r.ingest_id) a',
    "quarantined": "SELECT count(DISTINCT payload) FROM quarantine",
}


def delta(tables):
    def ask(text):
        query = QueryBuilder()
        for name, table in tables.items():
            query = query.register(name, table)
        return [column for batch in query.execute(text) for column in batch.columns][0].to_pylist()[0]

    return ask


def files(tables):
    import duckdb

    db = duckdb.connect()
    for name, table in tables.items():
        db.sql(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({table.file_uris()!r}, union_by_name = true)")
    return lambda text: db.sql(text).fetchall()[0][0]


def found(reader, ask):
    number = lambda value: float(value) if isinstance(value, float) else int(value or 0)
    all_of = lambda queries: {name: number(ask(text)) for name, text in queries.items()}
    answer = {"reader": reader, **all_of(QUERIES), "distinct": all_of(DISTINCT)}
    answer["distinct"]["values"] = float(answer["distinct"]["values"])
    return answer


opened = {name: DeltaTable(f"{sys.argv[1]}/{name}") for name in TABLES}
readers = {"deltalake": delta, "duckdb": files}
print(json.dumps([found(name, readers[name](opened)) for name in sys.argv[2].split(",")]))
