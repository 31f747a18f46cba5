import { join } from 'node:path';
import t from 'tap';
import { createAuthority } from '../../../certs/issue.ts';
import { generateKey } from '../../../certs/keys.ts';
import { initialise } from '../../../src/cli/state-directory/initialise.ts';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import type { Backends } from '../../../src/daemon/backends.ts';
import { loadConfig } from '../../../src/daemon/reload.ts';
import { TlsMaterialSource } from '../../../src/daemon/tls-material.ts';
import type { Client } from '../../../src/identity/principal.ts';
import { StoreUnavailableError } from '../../../src/store/store.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';
import { createLog } from '../../../src/watch/log.ts';
import { Metrics } from '../../../src/watch/metrics.ts';

const home = stateDirectoryAt(join(t.testdir(), 'home'));
await initialise(home, { settings: {}, key: 'ec' });
const config = loadConfig(home, {});
const options = { stateDirectory: home, log: createLog('fatal'), metrics: new Metrics() };
/** Certificates that clients were enrolled with, of no authority. */
const [one, two] = [
  await createAuthority('one', await generateKey('ec')),
  await createAuthority('two', await generateKey('ec')),
];

/** Lists the clients, as the test wants it. */
let list: () => Promise<readonly Client[]>;
const enrol = (...certificates: readonly string[]) => {
  list = async () => certificates.map((certificate) => ({ certificate, disabled: false }) as Client);
};
const fail = (error: Error) => {
  list = () => Promise.reject(error);
};
const backends = { vault: { unsealed: true }, clients: { list: () => list() } } as unknown as Backends;
const load = () => TlsMaterialSource.load(options, config, backends);

t.test('enrolled certificates stay trusted when the rows of clients were altered', async (t) => {
  enrol(one);
  const source = await load();
  const { authorities, ca } = source.current;
  t.same(ca, [...authorities, one]);
  fail(new SealBrokenError('altered'));
  t.equal(await source.withEnrolledClients(), undefined, 'nothing changes');
  const material = await source.read(config);
  t.same(material.ca, ca, 'a reload succeeds');
  source.replace(material);
  enrol(two);
  t.same((await source.withEnrolledClients())?.ca, [...authorities, two], 'the clients of later');
});

t.test('a reload fails when the clients cannot be read, and so does a start with altered ones', async (t) => {
  enrol(one);
  const source = await load();
  fail(new StoreUnavailableError('gone'));
  await t.rejects(source.read(config), StoreUnavailableError);
  await t.rejects(source.withEnrolledClients(), StoreUnavailableError);
  fail(new SealBrokenError('altered'));
  await t.rejects(load(), SealBrokenError);
});
