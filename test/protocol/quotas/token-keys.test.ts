import t from 'tap';
import { Create } from '../../../src/operations/creation/create.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { tokenKeyKind } from '../../../src/operations/made-token-keys.ts';
import { ReleasedTokenKeys } from '../../../src/protocol/batch/released-token-keys.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { having, outcome } from '../operations/ask.ts';
import { FakeToken } from '../token-keys/fake-token.ts';
import { aes, createKey, symmetric } from '../token-keys/keys.ts';
import { openQuotas } from './quota-suite.ts';

/** A quota leaves no key in a token that no object has. */

t.test('a refused creation makes no key in the token, and a refused Re-key leaves none', async (t) => {
  const token = new FakeToken();
  const { service, quotas } = await openQuotas(t, { tokenKeys: token.policy });
  const seconds = Math.floor(service.now / 1000);
  const unitAt = (now: number) => new UnitOfWork(service.store, service.vault, { uniqueNames: false, now });
  const id = await createKey(service, aes);
  const keys = [...token.keys.keys()];
  let made = 0;
  token.made = () => {
    made += 1;
  };
  await quotas.set('g', 1);
  t.equal(await outcome(service, '2.1', Create, symmetric(...aes)), 'ServerLimitExceeded');
  t.equal(made, 0);
  const rekey = { UniqueIdentifier: id, Attributes: having() };
  t.equal(await outcome(service, '2.1', ReKey, rekey), 'ServerLimitExceeded');
  t.equal(made, 1, 'its object is loaded first');
  const released = new ReleasedTokenKeys(token.policy.keys, () => unitAt(seconds + 10_000));
  while ((await unitAt(seconds).everyRecord(tokenKeyKind, 100)).length > 0) await released.removeDue();
  t.strictSame([...token.keys.keys()], keys);
  t.equal(await quotas.count('g'), 1);
});
