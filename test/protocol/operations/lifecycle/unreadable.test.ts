import t from 'tap';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { recordIdentity } from '../../../../src/operations/revocation-records.ts';
import { SealBrokenError, VaultUnavailableError } from '../../../../src/vault/vault.ts';

/** Destruction of an object whose value fails with that error when it is read. */
async function recordFailing(error: Error): Promise<readonly string[]> {
  const recorded: string[] = [];
  const object = {
    id: 'k',
    group: 'g',
    type: 'Certificate',
    destroyed: false,
    get value() {
      throw error;
    },
  };
  const records = { put: (kind: string) => recorded.push(kind) };
  await recordIdentity(object as never, { work: { records }, crypto: nodeCrypto } as never);
  return recorded;
}

t.test('an object whose value does not open is destroyed without a record of what it was', async (t) => {
  t.same(await recordFailing(new SealBrokenError('changed')), []);
});

t.test('an object that cannot be read now is not destroyed', async (t) => {
  for (const error of [new VaultUnavailableError('sealed'), new TypeError('a bug')])
    await t.rejects(recordFailing(error), error, error.name);
});
