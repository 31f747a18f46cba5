import t, { type Test } from 'tap';
import type { Client } from '../../client.ts';
import { startPostgres } from '../../store/embedded-postgres.ts';
import { missing, SoftToken } from './soft-token.ts';
import { Load, makeKeys, readKeys, TokenHome } from './token-home.ts';

/** Epochs and roots of databases in direct mode are replaced while clients of all their nodes are served. */

t.setTimeout(600_000);

const keys = 100;

class Nodes {
  readonly #t: Test;
  readonly #homes: readonly TokenHome[];

  private constructor(t: Test, homes: readonly TokenHome[]) {
    this.#t = t;
    this.#homes = homes;
  }

  /** Starts so many nodes of a database in direct mode. */
  static async start(t: Test, token: SoftToken, count: number, store: readonly string[]): Promise<Nodes> {
    const homes = Array.from({ length: count }, (_, at) => new TokenHome(t, token, {}, `node${at}`));
    const [first, ...others] = homes;
    const made = await first?.initialise(token.uriText(), ...store);
    t.match(made, { code: 0 });
    // A node reads a keyring that has moved within a second.
    first?.configure('activationSeconds', count === 1 ? '0' : '5');
    first?.configure('values', '"direct"');
    for (const other of others) if (first !== undefined) other.joinDatabaseOf(first);
    for (const home of homes) await home.start();
    return new Nodes(t, homes);
  }

  async connect(): Promise<readonly Client[]> {
    return Promise.all(this.#homes.map((home) => home.connect()));
  }

  /** Runs a command at the first node, or another one. */
  async run(args: readonly string[], at = 0): Promise<string> {
    const { code, output } = (await this.#homes[at]?.kmipd(...args)) ?? { code: null, output: '' };
    this.#t.equal(code, 0, `${args.join(' ')}: ${output}`);
    return output;
  }

  /** Moves the database to a root by the first node; the others get it beside the one before. */
  async changeRoot(uri: string, before: string, ...args: readonly string[]): Promise<void> {
    const changed = this.run(['vault', 'change-root', ...args, uri]);
    const [, ...others] = this.#homes;
    for (const home of others) {
      home.configure('root', JSON.stringify([uri, before]));
      this.#t.match(await home.reload(), /configuration reloaded/);
    }
    await changed;
    for (const home of others) {
      home.configure('root', JSON.stringify(uri));
      this.#t.match(await home.reload(), /configuration reloaded/);
    }
  }

  async restart(): Promise<void> {
    for (const home of this.#homes) this.#t.equal(await home.end(), 0);
    for (const home of this.#homes) await home.start();
  }
}

async function replaceAll(t: Test, count: number, store: readonly string[]): Promise<void> {
  const token = new SoftToken(t);
  const nodes = await Nodes.start(t, token, count, store);
  const clients = await nodes.connect();
  const [client] = clients;
  if (client === undefined) throw new TypeError('no node');
  const ids = await makeKeys(client, keys);
  const values = await readKeys(client, ids);
  t.notOk(values.includes('refused'));
  const loads = (await nodes.connect()).map((each) => new Load(each, ids, 50));

  const [second, third] = [token.uriText(';object=second'), token.uriText(';object=third')];
  for (const command of ['rotate', 'rewrap', 'retire']) await nodes.run(['vault', command], count - 1);
  await nodes.changeRoot(second, token.uriText());
  await nodes.changeRoot(third, second, '--compromised');

  for (const load of loads) {
    t.strictSame(await load.stop(), []);
    t.ok(load.answers > 0);
  }
  const status = await nodes.run(['vault', 'status']);
  t.equal([...status.matchAll(/^values +direct/gm)].length, 1, status);
  t.notMatch(status, /to be moved/);
  for (const each of clients) {
    t.strictSame(await readKeys(each, ids), values);
    await each.close();
  }
  await nodes.run(['verify']);
  await nodes.restart();
  for (const each of await nodes.connect()) {
    t.strictSame(await readKeys(each, ids), values);
    await each.close();
  }
}

t.test('one node on SQLite', { skip: missing }, (t) => replaceAll(t, 1, []));

t.test('two nodes on one PostgreSQL', { skip: missing }, async (t) => {
  const server = await startPostgres();
  if (typeof server === 'string') return void t.pass(`skipped: ${server}`);
  t.teardown(() => server.stop());
  await replaceAll(t, 2, ['--store', await server.fresh()]);
});
