import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { hasAny } from '../../../src/identity/client-entry.ts';
import type { EnrolmentChange } from '../../../src/identity/enrolment.ts';
import type { NewClient } from '../../../src/identity/principal.ts';
import { buildObject } from '../../../src/object/creation.ts';
import { StoredClients } from '../../../src/protocol/authentication/client-directory.ts';
import { CredentialDirectory } from '../../../src/protocol/authentication/credential-directory.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import type { Store } from '../../../src/store/store.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { createFileRoot } from '../../../src/vault/roots/file-root.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { openWritable } from '../../store/start-lanes.ts';

/** Tests of the directory of clients, for every engine; `fresh` creates a database and gives its URL. */

const fingerprint = (byte: string) => byte.repeat(32);

export const newClient = (name: string, more: Partial<NewClient> = {}): NewClient => ({
  ...{ name, group: 'blue', role: 'full', fingerprint: fingerprint('a1'), disabled: false },
  ...{ enrolledAt: 1_700_000_000, certificate: `certificate of ${name}`, ...more },
});

interface Opened {
  readonly store: Store;
  readonly vault: Vault;
  readonly clients: StoredClients;
}

async function open(t: Test, fresh: () => Promise<string>): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-clients-'));
  const { store, keyrings, close } = await openWritable(await fresh());
  const rootKeyFile = join(directory, 'root.key');
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, refreshSeconds: 0 });
  t.teardown(async () => {
    await vault.close();
    await close();
    await rm(directory, { recursive: true });
  });
  return { store, vault, clients: new StoredClients(store, vault) };
}

const unitOf = ({ store, vault }: Opened) => new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });

const credentials = { users: [{ username: 'alice', oneTime: ['code'] }], devices: [] };

export async function clientsSuite(t: Test, fresh: () => Promise<string>): Promise<void> {
  await t.test('clients are added, found, changed and removed', async (t) => {
    const { clients } = await open(t, fresh);
    const [one, two] = [newClient('one'), newClient('two', { fingerprint: fingerprint('b2'), group: 'red' })];
    const shown = (client: NewClient) => ({ ...client, hasCredentials: false });
    t.strictSame(await clients.list(), []);
    t.equal(await clients.add(two), true);
    t.equal(await clients.add(one), true);
    t.strictSame(await clients.list(), [shown(one), shown(two)], 'sorted by name');
    t.strictSame(await clients.byName('two'), shown(two));
    t.strictSame(await clients.byFingerprint(one.fingerprint), shown(one));
    t.equal(await clients.byName('three'), undefined);
    t.equal(await clients.byFingerprint(fingerprint('c3')), undefined);

    t.equal(await clients.add({ ...one, fingerprint: fingerprint('c3') }), false, 'a taken name');
    t.equal(await clients.add({ ...one, name: 'three' }), false, 'a taken certificate');
    t.strictSame(await clients.list(), [shown(one), shown(two)], 'nothing of the two is left');

    t.equal(await clients.setDisabled('one', true), true);
    t.strictSame(await clients.byName('one'), { ...shown(one), disabled: true }, 'nothing else changes');
    t.equal(await clients.setDisabled('three', true), false);

    t.equal(await clients.remove('one'), true);
    t.equal(await clients.remove('one'), false);
    t.equal(await clients.byFingerprint(one.fingerprint), undefined);
    t.equal(await clients.add(newClient('three', { group: 'red' })), true, 'with its certificate');
  });

  await t.test('one of many that enrol the same name or certificate at once succeeds', async (t) => {
    const { clients } = await open(t, fresh);
    const eight = [...Array(8).keys()];
    const names = await Promise.all(
      eight.map((at) => clients.add(newClient('same', { fingerprint: fingerprint(`0${at}`) }))),
    );
    t.equal(names.filter((added) => added).length, 1, 'of one name');
    const certificates = await Promise.all(
      eight.map((at) => clients.add(newClient(`client-${at}`, { fingerprint: fingerprint('ee') }))),
    );
    t.equal(certificates.filter((added) => added).length, 1, 'with one certificate');
    t.equal((await clients.list()).length, 2);
  });

  await t.test('changes of a client at the same time are all kept', async (t) => {
    const opened = await open(t, fresh);
    const { clients, store, vault } = opened;
    await clients.add(newClient('one'));
    await new CredentialDirectory(store, vault).set('one', credentials);
    const change = { client: 'one', group: 'blue', before: fingerprint('a1') };
    await Promise.all([
      clients.setDisabled('one', true),
      clients.setDisabled('one', true),
      retry(() =>
        new CredentialDirectory(store, vault).set('one', { ...credentials, devices: [{ fields: {} }] }),
      ),
    ]);
    t.match(await clients.byName('one'), { disabled: true, hasCredentials: true });
    t.equal(hasAny((await new CredentialDirectory(store, vault).of('one')).credentials), true);
    t.equal(await reenrol(opened, change), 'conflict', 'a disabled client replaces no certificate');
  });

  await t.test('a client replaces its certificate only as it is enrolled', async (t) => {
    const opened = await open(t, fresh);
    const { clients, store, vault } = opened;
    await clients.add(newClient('one'));
    await clients.add(newClient('two', { fingerprint: fingerprint('b2') }));
    await new CredentialDirectory(store, vault).set('one', credentials);
    const change = { client: 'one', group: 'blue', before: fingerprint('a1') };
    const refused: Readonly<Record<string, Partial<EnrolmentChange>>> = {
      'of another group': { group: 'red' },
      'with another certificate': { before: fingerprint('b2') },
      'with a certificate that nobody has': { before: fingerprint('c3') },
      'that is not enrolled': { client: 'three' },
      'by the certificate of another client': { fingerprint: fingerprint('b2') },
    };
    for (const [what, more] of Object.entries(refused))
      t.equal(await reenrol(opened, { ...change, ...more }), 'conflict', what);
    const before = await clients.byName('one');
    t.equal(before?.fingerprint, fingerprint('a1'));

    t.equal(await reenrol(opened, change), 'committed');
    const after = { ...before, fingerprint: fingerprint('d4'), certificate: 'new' };
    t.strictSame(await clients.byFingerprint(fingerprint('d4')), after, 'and keeps all else');
    t.equal(await clients.byFingerprint(fingerprint('a1')), undefined);
    t.equal(await clients.add(newClient('three')), true, 'the old certificate is free');

    const at = ['e5', 'f6', '07'].map((byte) =>
      reenrol(opened, { ...change, before: fingerprint('d4'), fingerprint: fingerprint(byte) }),
    );
    t.same((await Promise.all(at)).sort(), ['committed', 'conflict', 'conflict'], 'once');
  });

  await t.test('a certificate is replaced together with the objects of its unit or not at all', async (t) => {
    const opened = await open(t, fresh);
    const { clients, store } = opened;
    await clients.add(newClient('one'));
    await clients.add(newClient('two', { fingerprint: fingerprint('b2') }));
    const change = { client: 'one', group: 'blue', before: fingerprint('a1') };
    const isThere = async (id: string) => (await store.load('blue', [id])).length === 1;

    const taken = { ...change, fingerprint: fingerprint('b2') };
    t.equal(await reenrol(opened, taken, 'first'), 'conflict', 'a certificate of another client');
    t.notOk(await isThere('first'));
    t.equal(await reenrol(opened, change, 'first'), 'committed');
    t.ok(await isThere('first'));
    const later = { ...change, before: fingerprint('d4'), fingerprint: fingerprint('e5') };
    t.equal(await reenrol(opened, later, 'first'), 'conflict', 'an identifier that is taken');
    t.equal((await clients.byName('one'))?.fingerprint, fingerprint('d4'));

    const at = await Promise.all(
      ['e5', 'f6'].map((byte) => reenrol(opened, { ...later, fingerprint: fingerprint(byte) }, byte)),
    );
    t.same(at.toSorted(), ['committed', 'conflict'], 'two at once');
    const winner = at[0] === 'committed' ? 'e5' : 'f6';
    t.equal((await clients.byName('one'))?.fingerprint, fingerprint(winner));
    t.same([await isThere('e5'), await isThere('f6')], [winner === 'e5', winner === 'f6']);
  });

  await t.test('nothing is found while the vault is sealed', async (t) => {
    const { clients, vault } = await open(t, fresh);
    await clients.add(newClient('one'));
    await vault.close();
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      byName: () => clients.byName('one'),
      byFingerprint: () => clients.byFingerprint(fingerprint('a1')),
      list: () => clients.list(),
      add: () => clients.add(newClient('two')),
      setDisabled: () => clients.setDisabled('one', true),
      remove: () => clients.remove('one'),
    };
    for (const [name, call] of Object.entries(calls))
      await t.rejects(call(), { code: 'VAULT_UNAVAILABLE' }, name);
  });
}

/** Replaces a certificate with the commit of a unit, as Re-Provision does; the unit may create an object. */
function reenrol(
  opened: Opened,
  change: Omit<EnrolmentChange, 'fingerprint' | 'certificate'> & Partial<EnrolmentChange>,
  id?: string,
) {
  const unit = unitOf(opened);
  unit.actFor(change.group);
  unit.reenrol({ fingerprint: fingerprint('d4'), certificate: 'new', ...change });
  if (id !== undefined) {
    const layer = unit.layer();
    layer.insert(
      buildObject({
        operation: 'Register',
        type: 'SecretData',
        group: change.group,
        id,
        now: 0,
        attributes: [],
      }),
    );
    layer.keep();
  }
  return unit.commit();
}

/** Repeats work that conflicts with others, each of which can win once or twice. */
async function retry(work: () => Promise<void>): Promise<void> {
  const attempts = 8;
  for (let attempt = 1; attempt < attempts; attempt += 1)
    if (
      await work().then(
        () => true,
        () => false,
      )
    )
      return;
  await work();
}
