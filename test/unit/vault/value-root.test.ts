import t from 'tap';
import { openLocalVault } from '../../../src/vault/local.ts';
import { FakeToken } from '../../fake-token.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { context, plain, quick } from './vault-fixture.ts';

t.test(
  'a node without the root to which the database moves seals new values under the one before',
  async (t) => {
    const keyrings = memoryKeyrings();
    const [before, next] = [new FakeToken('before'), new FakeToken('next')];
    const open = () => openLocalVault({ roots: [before], keyrings, values: 'direct', ...quick });
    const [first, second] = [await open(), await open()];
    await first.addRoot(next);
    await second.refresh();
    const started = await open();
    t.teardown(() => Promise.all([first, second, started].map((vault) => vault.close())));
    for (const { direct } of [second, started]) {
      t.equal(await direct.problem(), undefined, 'it serves, and starts');
      t.equal(direct.root, next.id);
      const sealed = await direct.seal(context, plain);
      t.ok(direct.isCurrent(sealed));
      t.strictSame(await direct.open(context, sealed), plain);
    }
    t.same([before.wraps, next.wraps], [2, 0]);

    const sealed = await second.direct.seal(context, plain);
    await second.useSources([next, before]);
    t.notOk(second.direct.isCurrent(sealed), 'such a value is sealed once more before its commit');
    t.ok(second.direct.isCurrent(await second.direct.seal(context, plain)));
    t.equal(next.wraps, 1);
    t.strictSame(await first.direct.open(context, sealed), plain);
  },
);
