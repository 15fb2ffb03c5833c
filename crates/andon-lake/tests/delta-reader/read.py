"""Prints, as JSON, what a reader that is not Andon's finds in a lake: `read.py <folder of the lake>`."""

import json
import sys
from pathlib import Path

from deltalake import DeltaTable, QueryBuilder


def ask(tables, text):
    query = QueryBuilder()
    for name, table in tables.items():
        query = query.register(name, table)
    return [
        dict(zip(batch.schema.names, values))
        for batch in query.execute(text)
        for values in zip(*(column.to_pylist() for column in batch.columns))
    ]


def main(root):
    tables = {name: DeltaTable(str(root / name)) for name in ["readings", "readings_tags", "quarantine"]}
    found = ask(
        tables,
        """SELECT count(*) AS rows, count(DISTINCT ingest_id) AS readings, sum(n) AS n, sum("m.half") AS half
           FROM readings""",
    )[0]
    found["tags"] = ask(tables, 'SELECT sum("tags.val") AS s FROM readings_tags')[0]["s"]
    found["quarantined"] = ask(tables, "SELECT count(DISTINCT ingest_id) AS c FROM quarantine")[0]["c"]
    found["partitions"] = tables["readings"].metadata().partition_columns
    protocol = tables["readings"].protocol()
    found["protocol"] = [protocol.min_reader_version, protocol.min_writer_version]
    print(json.dumps(found))


main(Path(sys.argv[1]))
