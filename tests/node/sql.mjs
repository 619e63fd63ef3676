// sql.mjs SQL...: what DuckDB answers, a row a line.
import { DuckDBInstance } from '@duckdb/node-api';

const db = await (await DuckDBInstance.create()).connect();
for (const sql of process.argv.slice(2))
  for (const row of (await db.runAndReadAll(sql)).getRowsJson())
    console.log(JSON.stringify(row));
