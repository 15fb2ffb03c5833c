"""Flattens the segments of a raw log into Parquet with DuckDB or Polars, on one core.

Usage: flatten.py duckdb|polars <folder with *.ndjson below> <folder for Parquet>
       flatten.py rows <folder of a lake>
Prints one JSON object: seconds of processor time and of the clock, and the rows of both tables; or those of a lake.
"""

import glob
import json
import os
import sys
import time

PEER, FOLDER, OUT = sys.argv[1], sys.argv[2], sys.argv[-1]
FILES = sorted(glob.glob(FOLDER + "/**/*.ndjson", recursive=True))

DEVICE = ["gatewayId", "deviceId", "capabilityModelId", "dtmi"]
MEASUREMENTS = [
    "temperature", "humidity", "battery", "occupied", "count", "pressure", "flow", "rpm", "running", "current",
]
ROOT, CHILD = OUT + "/readings.parquet", OUT + "/readings_measurements.vibration.parquet"


def with_duckdb():
    import duckdb

    db = duckdb.connect(config={"threads": 1})
    columns = [f'payload.device.{name} AS "device.{name.lower()}"' for name in DEVICE]
    columns += [f'payload.measurements.{name} AS "measurements.{name}"' for name in MEASUREMENTS]
    yield
    # One look at the text, as Andon has; the structure is found by a sample.
    db.sql(f"CREATE TEMP TABLE lines AS SELECT id, ts, topic, device, payload FROM read_ndjson({FILES!r})")
    time_of = "make_timestamp(payload.timestamp * 1000) AS ts"
    has_array = "payload.measurements.vibration IS NOT NULL"
    db.sql(
        f"COPY (SELECT id AS ingest_id, {time_of}, topic, device, {', '.join(columns)}, payload.timestamp AS timestamp,"
        f" CASE WHEN {has_array} THEN id::VARCHAR END AS \"measurements.vibration\" FROM lines)"
        f" TO '{ROOT}' (FORMAT parquet, COMPRESSION snappy)"
    )
    db.sql(
        "COPY (SELECT id::VARCHAR AS id, unnest(range(len(payload.measurements.vibration))) AS index, id AS ingest_id,"
        f" unnest(payload.measurements.vibration) AS \"measurements.vibration.val\" FROM lines WHERE {has_array})"
        f" TO '{CHILD}' (FORMAT parquet, COMPRESSION snappy)"
    )
    yield
    yield rows_of(ROOT, CHILD)


def rows_of(*paths):
    import duckdb

    return [duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0] for path in paths]


def with_polars():
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    payload = pl.col("payload").struct
    of = lambda part, name: payload.field(part).struct.field(name).alias(f"{part}.{name.lower()}")
    vibration = payload.field("measurements").struct.field("vibration")
    id_text = pl.col("id").cast(pl.String)
    yield
    first = pl.read_ndjson(FILES[0], infer_schema_length=20_480)
    # Files whose first lines come in another order have another structure, and are not put together.
    lines = pl.concat([first] + [pl.read_ndjson(file, schema=first.schema) for file in FILES[1:]])
    lines.select(
        pl.col("id").alias("ingest_id"),
        pl.from_epoch(payload.field("timestamp"), time_unit="ms").alias("ts"),
        "topic",
        "device",
        *[of("device", name) for name in DEVICE],
        *[of("measurements", name) for name in MEASUREMENTS],
        payload.field("timestamp"),
        pl.when(vibration.is_not_null()).then(id_text).alias("measurements.vibration"),
    ).write_parquet(ROOT, compression="snappy")
    arrays = lines.select(
        id_text.alias("join"), pl.col("id").alias("ingest_id"), vibration.alias("measurements.vibration.val")
    ).filter(pl.col("measurements.vibration.val").is_not_null())
    arrays = arrays.with_columns(pl.int_ranges(pl.col("measurements.vibration.val").list.len()).alias("index"))
    arrays.explode("measurements.vibration.val", "index").write_parquet(CHILD, compression="snappy")
    yield
    yield [pl.scan_parquet(path).select(pl.len()).collect().item() for path in (ROOT, CHILD)]


if PEER == "rows":
    tables = [f"{FOLDER}/{table}/**/*.parquet" for table in ("readings", "readings_measurements.vibration")]
    print(json.dumps({"cpu_seconds": 0, "seconds": 0, "rows": rows_of(*tables)}))
    sys.exit()
os.makedirs(OUT, exist_ok=True)
# Up to the first yield it gets ready, up to the second it works, then it says what came out.
steps = {"duckdb": with_duckdb, "polars": with_polars}[PEER]()
next(steps)
cpu, wall = time.process_time(), time.monotonic()
next(steps)
cpu, wall = time.process_time() - cpu, time.monotonic() - wall
print(json.dumps({"cpu_seconds": cpu, "seconds": wall, "rows": next(steps)}))
