import t from 'tap';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { tokenKeyKind } from '../../../src/operations/made-token-keys.ts';
import { ReleasedTokenKeys } from '../../../src/protocol/batch/released-token-keys.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { succeed } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import { FakeToken } from './fake-token.ts';
import { aes, createKey } from './keys.ts';

t.test('a key that the token keeps is tried again after ten minutes, not before', async (t) => {
  const token = new FakeToken();
  const service = await TestService.open({ tokenKeys: token.policy });
  t.teardown(() => service.close());
  const UniqueIdentifier = await createKey(service, aes.slice(0, 3));
  const [key = ''] = token.keys.keys();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });

  const destroyed = Math.floor(service.now / 1000);
  let now = destroyed;
  const beginUnit = () => new UnitOfWork(service.store, service.vault, { uniqueNames: false, now });
  const background = new ReleasedTokenKeys(token.policy.keys, beginUnit);
  const removalsAt = async (later: number) => {
    now = destroyed + later;
    token.calls.splice(0);
    await background.removeDue();
    return token.calls.filter((call) => call === 'remove').length;
  };
  token.kept.add(key);
  const removals: number[] = [];
  for (const later of [0, 1, 599, 600, 1_199]) removals.push(await removalsAt(later));
  t.strictSame(removals, [1, 0, 0, 1, 0]);
  t.ok(token.keys.has(key));
  t.equal((await beginUnit().everyRecord(tokenKeyKind, 10)).length, 1);

  token.kept.clear();
  t.equal(await removalsAt(1_200), 1);
  t.notOk(token.keys.has(key));
  t.equal((await beginUnit().everyRecord(tokenKeyKind, 10)).length, 0);
});
