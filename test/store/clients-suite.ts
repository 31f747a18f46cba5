import type { Test } from 'tap';
import type { Client } from '../../src/identity/principal.ts';
import { createSqlClients } from '../../src/store/sql-clients.ts';
import { createSqlWrappedKeyStore } from '../../src/store/sql-sealing-keys.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { object, unit } from './objects.ts';
import type { Engine } from './suite.ts';

const anna: Client = {
  name: 'anna',
  group: 'blue',
  role: 'vcenter',
  fingerprint: 'aa'.repeat(32),
  disabled: false,
  enrolledAt: 1_700_000_000,
  certificate: '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n',
};
const bert: Client = { ...anna, name: 'bert', fingerprint: 'bb'.repeat(32), disabled: true };

/** Tests of the client directory and the store of wrapped keys, for every engine. */
export async function clientSuite(t: Test, engine: Engine): Promise<void> {
  await t.test('the directory adds, changes and removes clients', async (t) => {
    const driver = await engine.open(await engine.fresh());
    t.teardown(() => driver.close());
    const clients = createSqlClients(driver);
    t.equal(await clients.add(bert), true);
    t.equal(await clients.add(anna), true);
    t.equal(await clients.add({ ...anna, fingerprint: 'cc'.repeat(32) }), false, 'the name is enrolled');
    t.equal(await clients.add({ ...anna, name: 'carl' }), false, 'the certificate is enrolled');
    t.strictSame(await clients.byName('anna'), anna);
    t.strictSame(await clients.byFingerprint(bert.fingerprint), bert);
    t.equal(await clients.byName('carl'), undefined);
    t.equal(await clients.byFingerprint('dd'.repeat(32)), undefined);
    t.strictSame(await clients.list(), [anna, bert]);
    t.equal(await clients.setDisabled('anna', true), true);
    t.strictSame(await clients.byName('anna'), { ...anna, disabled: true });
    t.equal(await clients.setDisabled('anna', false), true);
    t.strictSame(await clients.list(), [anna, bert]);
    t.equal(await clients.setDisabled('carl', false), false);
    t.equal(await clients.remove('anna'), true);
    t.equal(await clients.remove('anna'), false);
    t.strictSame(await clients.list(), [bert]);
  });

  await t.test('a certificate is replaced together with the objects of its unit or not at all', async (t) => {
    const driver = await engine.open(await engine.fresh());
    t.teardown(() => driver.close());
    const [clients, store] = [createSqlClients(driver), createSqlStore(driver)];
    await clients.add(anna);
    await clients.add(bert);
    const change = {
      client: 'anna',
      group: 'blue',
      before: anna.fingerprint,
      fingerprint: 'cc'.repeat(32),
      certificate: 'new',
    };
    const wrong: readonly (readonly [string, object])[] = [
      ['nobody', { client: 'carl' }],
      ['another group', { group: 'red' }],
      ['replaced already', { before: 'dd'.repeat(32) }],
      ['disabled', { client: 'bert', before: bert.fingerprint }],
      ['taken by another client', { fingerprint: bert.fingerprint }],
      ['the same', { fingerprint: anna.fingerprint }],
    ];
    for (const [why, more] of wrong) {
      const inserts = [object('first')];
      t.equal(await store.commit(unit({ inserts, enrolment: { ...change, ...more } })), 'conflict', why);
    }
    t.strictSame(await store.load('blue', ['first']), []);
    t.strictSame(await clients.list(), [anna, bert]);
    const expects = [{ group: 'blue', id: 'first', version: 7 }];
    t.equal(await store.commit(unit({ expects, enrolment: change })), 'conflict', 'a conflict of objects');
    t.strictSame(await clients.list(), [anna, bert]);

    const units = ['dd', 'ee'].map((byte, at) =>
      store.commit(
        unit({ inserts: [object(`at once ${at}`)], enrolment: { ...change, fingerprint: byte.repeat(32) } }),
      ),
    );
    t.strictSame((await Promise.all(units)).sort(), ['committed', 'conflict'], 'two at once');
    t.equal((await store.load('blue', ['at once 0', 'at once 1'])).length, 1);
    const { fingerprint: before = '' } = (await clients.byName('anna')) ?? {};
    t.equal(await store.commit(unit({ enrolment: { ...change, before } })), 'committed', 'alone');
    t.strictSame(await clients.byName('anna'), {
      ...anna,
      fingerprint: change.fingerprint,
      certificate: 'new',
    });
    t.equal(await clients.byFingerprint(anna.fingerprint), undefined);
  });

  await t.test('a wrapped key is refused when its id exists', async (t) => {
    const driver = await engine.open(await engine.fresh());
    t.teardown(() => driver.close());
    const wrappedKeys = createSqlWrappedKeyStore(driver);
    t.strictSame(await wrappedKeys.list(), []);
    const key = (id: number, byte: number) => ({
      id,
      wrapped: new Uint8Array(61).fill(byte),
      createdAt: 1_700_000_000,
    });
    const added = await Promise.all([
      wrappedKeys.add(key(1, 1)),
      wrappedKeys.add(key(1, 2)),
      wrappedKeys.add(key(2, 3)),
    ]);
    t.strictSame(added, [true, false, true]);
    t.strictSame(await wrappedKeys.list(), [key(1, 1), key(2, 3)]);
  });
}
