import { globSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Test } from 'tap';
import { freePort, initialise, serverArguments } from '../store/embedded-postgres.ts';
import { makeServerDirectory, PostgresProcess, runProgram } from '../store/postgres-process.ts';

/** Debian's PostgreSQL, which has what npm's package lacks: psql, pg_dump and pg_basebackup. */

/** The programs of the newest version that is installed; undefined when there is none. */
export const debianPrograms = globSync('/usr/lib/postgresql/*/bin/pg_basebackup')
  .map((file) => join(file, '..'))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .at(-1);

/** One server of a pair. */
export interface PairedServer {
  readonly port: number;
  /** Ends as a crash does. */
  crash(): Promise<void>;
  /** Runs one statement as superuser and resolves to its rows. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
}

/** Starts a primary with a database `keys`, and a standby that streams from it. */
export async function startPair(
  t: Test,
  programs: string,
): Promise<{ primary: PairedServer; standby: PairedServer }> {
  const first = makeServerDirectory();
  await initialise(programs, first);
  const primary = await startServer(t, programs, first);
  await primary.query("create database keys template template0 encoding 'UTF8'");
  const second = makeServerDirectory();
  await runProgram(join(programs, 'pg_basebackup'), [
    ...['--pgdata', second, '--dbname', urlOf(primary.port, 'postgres'), '--write-recovery-conf'],
    ...['--checkpoint=fast', '--no-sync'],
  ]);
  const standby = await startServer(t, programs, second);
  await waitFor(primary, "select from pg_stat_replication where state = 'streaming'");
  return { primary, standby };
}

async function startServer(t: Test, programs: string, directory: string): Promise<PairedServer> {
  const port = await freePort();
  const server = new PostgresProcess(programs, directory, serverArguments(port, directory));
  t.teardown(() => server.remove());
  await server.ready();
  return {
    port,
    crash: () => server.end('SIGQUIT'),
    async query(sql) {
      const client = new pg.Client({ connectionString: urlOf(port, 'postgres') });
      await client.connect();
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    },
  };
}

/** Asks a server until its answer has a row. */
export async function waitFor(server: PairedServer, sql: string): Promise<void> {
  while ((await server.query(sql)).length === 0) await new Promise(setImmediate);
}

const urlOf = (port: number, database: string): string =>
  `postgres://postgres:postgres@127.0.0.1:${port}/${database}`;
