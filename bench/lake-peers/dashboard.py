"""Asks DuckDB what a dashboard asks: `dashboard.py <folder of the table> <query> <since> <times>`.

With all files of the table, as its newest version names them, and with those of the days from `since` on. Prints JSON:
for each, seconds of the clock each time, seconds of processor time of all, rows and the sum of the third column.
"""

import json
import os
import resource
import sys
import time

os.environ["TZ"] = "UTC"

import duckdb
from deltalake import DeltaTable

TABLE, QUERY, SINCE, TIMES = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def day(file):
    parts = dict(part.split("=") for part in file.split("/") if "=" in part)
    return f"{int(parts['year']):04}-{int(parts['month']):02}-{int(parts['day']):02}"


def ask(who, files):
    db = duckdb.connect(config={"threads": 2})
    db.sql(f"CREATE VIEW readings AS SELECT * FROM read_parquet({files!r}, union_by_name = true, hive_partitioning = false)")
    seconds, cpu = [], time.process_time()
    for _ in range(TIMES):
        begun = time.monotonic()
        rows = db.sql(f"SELECT epoch(hour), device, temperature FROM ({QUERY})").fetchall()
        seconds.append(time.monotonic() - begun)
    return {
        "who": who,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "rows": len(rows),
        "sum": sum(row[2] for row in rows if row[2] is not None),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


files = [file.removeprefix("file://") for file in DeltaTable(TABLE).file_uris()]
late = [file for file in files if day(file) >= SINCE[:10]]
print(json.dumps([ask("DuckDB, files of the days", late), ask("DuckDB, all files", files)]))
