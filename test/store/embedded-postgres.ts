import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import pg from 'pg';
import {
  findPrograms,
  giveToServer,
  makeServerDirectory,
  PostgresProcess,
  runProgram,
} from './postgres-process.ts';

/** A PostgreSQL server for tests. */
export interface TestServer {
  /** URL of the superuser's own database. */
  readonly url: string;
  /** Creates an empty database and gives its URL. */
  fresh(): Promise<string>;
  /** Runs one statement as superuser outside the databases of the tests. */
  administer(sql: string): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Directory of `initdb` and `postgres`. */
  readonly programs?: string;
  /** Certificate and key (PEM): the server offers TLS. */
  readonly tls?: {
    readonly certificate: string;
    readonly key: string;
    /** The authority of the clients' certificates. */
    readonly clientAuthority?: string;
  };
  /** Lines before those of pg_hba.conf. */
  readonly rules?: string;
  /** The server recovers for ever, as one does that follows a primary. */
  readonly standby?: boolean;
}

/**
 * Starts a server of its own on a random port of the loopback, or uses the one that runs at the URL of
 * KMIPD_TEST_POSTGRES unless it has to have these options. A string is the reason why there is none, for the
 * skip.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<TestServer | string> {
  const given = process.env.KMIPD_TEST_POSTGRES;
  if (given !== undefined && Object.keys(options).length === 0) return serverAt(given, async () => {});
  const port = await freePort();
  try {
    const process = await startServer(port, options);
    return serverAt(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`, () => process.remove());
  } catch (error) {
    return `PostgreSQL does not start here: ${(error as Error).message}`;
  }
}

async function startServer(port: number, options: PostgresServerOptions): Promise<PostgresProcess> {
  const programs = options.programs ?? findPrograms();
  const directory = makeServerDirectory();
  try {
    await initialise(programs, directory);
    await prepareDirectory(directory, options);
    const server = new PostgresProcess(programs, directory, [
      ...serverArguments(port, directory),
      ...(options.tls ? ['-c', 'ssl=on'] : []),
      ...(options.tls?.clientAuthority ? ['-c', 'ssl_ca_file=clients.crt'] : []),
    ]);
    await server.ready();
    return server;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Fills a directory with an empty database whose superuser is postgres. */
export async function initialise(programs: string, directory: string): Promise<void> {
  const password = join(directory, '..', `${basename(directory)}.password`);
  await writeFile(password, 'postgres\n', { mode: 0o600 });
  giveToServer(password);
  try {
    await runProgram(join(programs, 'initdb'), [
      `--pgdata=${directory}`,
      `--pwfile=${password}`,
      ...['--auth=password', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync'],
    ]);
  } finally {
    await rm(password, { force: true });
  }
}

/** Arguments of a server that listens on the loopback and on a socket in its directory. */
export function serverArguments(port: number, directory: string): readonly string[] {
  return [
    ...['-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${directory}`],
    // What a killed process has written stays without fsync; the tests stop no operating system.
    ...['-c', 'fsync=off'],
  ];
}

/** Writes the files that the server reads at its start; they must belong to the owner of its directory. */
async function prepareDirectory(
  directory: string,
  { tls, rules = '', standby = false }: PostgresServerOptions,
): Promise<void> {
  const rulesFile = join(directory, 'pg_hba.conf');
  await writeFile(rulesFile, `${rules}\n${await readFile(rulesFile, 'utf8')}`);
  const files = {
    ...(tls && { 'server.crt': tls.certificate, 'server.key': tls.key }),
    ...(tls?.clientAuthority && { 'clients.crt': tls.clientAuthority }),
    ...(standby && { 'standby.signal': '' }),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content, { mode: 0o600 });
    giveToServer(join(directory, name));
  }
}

function serverAt(url: string, stop: () => Promise<void>): TestServer {
  let databases = 0;
  const created: string[] = [];
  const administer = async (sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  return {
    url,
    administer,
    async fresh() {
      databases += 1;
      const name = `kmipd_test_${process.pid}_${databases}`;
      await administer(`create database ${name} template template0 encoding 'UTF8'`);
      created.push(name);
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    async stop() {
      for (const name of created) await administer(`drop database ${name} with (force)`);
      await stop();
    },
  };
}

/**
 * A port of the loopback that nobody uses now. It is below those that the system gives to connections, so
 * that it is still free when the server starts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
