import type { Test } from 'tap';
import type { Client } from '../../src/identity/principal.ts';
import { createSqlClients } from '../../src/store/sql-clients.ts';
import { createSqlSealingKeys } from '../../src/store/sql-sealing-keys.ts';
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

/** The directory of clients and the shelf of sealing keys, on every engine. */
export async function clientSuite(t: Test, engine: Engine): Promise<void> {
  await t.test('clients are enrolled, changed and removed', async (t) => {
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
    const changed = { ...anna, group: 'red', role: 'reader', disabled: true, fingerprint: 'ee'.repeat(32) };
    t.equal(await clients.update(changed), true);
    t.strictSame(await clients.byName('anna'), changed);
    t.equal(await clients.byFingerprint(anna.fingerprint), undefined, 'the old certificate no longer counts');
    t.equal(
      await clients.update({ ...changed, fingerprint: bert.fingerprint }),
      false,
      'the certificate of another',
    );
    t.equal(await clients.update({ ...anna, name: 'carl' }), false);
    t.equal(await clients.remove('anna'), true);
    t.equal(await clients.remove('anna'), false);
    t.strictSame(await clients.list(), [bert]);
  });

  await t.test('a sealing key id is taken once', async (t) => {
    const driver = await engine.open(await engine.fresh());
    t.teardown(() => driver.close());
    const shelf = createSqlSealingKeys(driver);
    t.strictSame(await shelf.list(), []);
    const key = (id: number, byte: number) => ({
      id,
      wrapped: new Uint8Array(61).fill(byte),
      createdAt: 1_700_000_000,
    });
    const added = await Promise.all([shelf.add(key(1, 1)), shelf.add(key(1, 2)), shelf.add(key(2, 3))]);
    t.strictSame(added, [true, false, true]);
    t.strictSame(await shelf.list(), [key(1, 1), key(2, 3)]);
  });
}
