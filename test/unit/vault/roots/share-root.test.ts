import { rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { ShareRoot } from '../../../../src/vault/roots/share-root.ts';
import { context, plain } from '../vault-fixture.ts';
import { RootFixture, secretOf } from './root-fixture.ts';

async function makeShares(t: Tap, uri = 'shares:3/5') {
  const fixture = new RootFixture(t);
  const vault = await fixture.open(uri);
  t.equal(vault.sealedBecause, undefined);
  return { fixture, sealed: vault.seal(context, plain), vault };
}
type Tap = Pick<typeof t, 'teardown' | 'equal'>;

/** All ways to choose so many of a list. */
function choose<T>(list: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return list.flatMap((first, at) => choose(list.slice(at + 1), count - 1).map((rest) => [first, ...rest]));
}

t.test('any three of five shares open the database, in any order, and none fewer', async (t) => {
  const { fixture, sealed } = await makeShares(t);
  t.equal(fixture.shares.length, 5);
  for (const line of fixture.shares)
    t.match(line, /^kmipd-share:[0-9a-f]{8}:[1-5]\/3\/5:[0-9a-f]{64}:[0-9a-f]{8}\n$/);
  for (const chosen of choose(fixture.shares, 3)) {
    const vault = await fixture.open('shares:3/5', { deliverShares: undefined });
    t.equal(
      vault.sealedBecause,
      '0 of the 3 shares of its root are there: each custodian runs kmipd vault unseal',
    );
    const [first = '', second = '', third = ''] = chosen.toReversed();
    t.same(await vault.unseal(secretOf(first)), { given: 1, needed: 3 });
    t.same(await vault.unseal(secretOf(first)), { given: 1, needed: 3 }, 'the same once more');
    t.same(await vault.unseal(secretOf(`  ${second}\n`)), { given: 2, needed: 3 });
    t.equal(vault.unsealed, false);
    t.same(await vault.unseal(secretOf(third.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()))), {
      given: 3,
      needed: 3,
    });
    t.strictSame(vault.open(context, sealed), plain);
    t.equal(await vault.rotate(), vault.status().epochs.length, 'the root stays open');
  }
});

t.test('a share that is wrong is named, and the others stay', async (t) => {
  const { fixture } = await makeShares(t);
  const other = await makeShares(t);
  const [first = '', second = ''] = fixture.shares;
  const vault = await fixture.open('shares:3/5', { deliverShares: undefined });
  const refused = (line: string) =>
    vault.unseal(secretOf(line)).then(
      () => 'taken',
      (error) => error.message,
    );
  await vault.unseal(secretOf(first));
  t.match(await refused(other.fixture.shares[0] ?? ''), /^share 1 is of another ceremony \([0-9a-f]{8}\)/);
  t.match(
    await refused(second.replace(/.(?=:[0-9a-f]+\n)/, (c) => (c === '0' ? '1' : '0'))),
    /its check does not fit/,
  );
  t.match(await refused(second.slice(0, 60)), /not the line of a share|its check does not fit/);
  t.match(await refused('kmipd-share:'), /not the line of a share/);
  t.match(await refused('kmipd-share::::'), /its check does not fit/);
  t.match(
    await refused('some passphrase or other'),
    /nothing of the kind unseals the vault: its root is shares:3\/5/,
  );
  for (let bit = 0; bit < 8 * (second.length - 1); bit += 7) {
    const changed = Buffer.from(second);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const isSame = changed.toString().trim().toLowerCase() === second.trim();
    if (!isSame) t.not(await refused(changed.toString('latin1')), 'taken', `bit ${bit}`);
  }
  const settings = structuredClone(fixture.settings);
  const edit = (change: (shares: typeof settings.shares) => void) => {
    const { shares } = structuredClone(settings);
    change(shares);
    writeFileSync(fixture.settingsFile, JSON.stringify({ shares }));
  };
  edit((shares) => (shares.commitments[1].hash = '00'.repeat(32)));
  t.equal(await refused(second), 'share 2 is wrong: it is not the one that was given out');
  edit((shares) => shares.commitments.reverse());
  t.equal(await refused(second), 'share 2 is wrong: it is not the one that was given out');
  edit((shares) => (shares.threshold = 2));
  t.match(await refused(second), /the shares of this home are 2\/5, and \[vault\] root says 3\/5/);
  edit((shares) => (shares.threshold = 1));
  t.match(await refused(second), /has impossible settings of shares: restore it/);
  rmSync(fixture.settingsFile);
  t.match(await refused(second), /is missing, or knows no shares: restore it/);
  writeFileSync(fixture.settingsFile, JSON.stringify(settings));
  t.same(await vault.unseal(secretOf(second)), { given: 2, needed: 3 });
});

t.test('shares are wiped when the others do not come', async (t) => {
  const { fixture } = await makeShares(t, 'shares:2/2');
  const expired = Promise.withResolvers<void>();
  const source = new ShareRoot({
    ...{ threshold: 2, parts: 2, settingsFile: fixture.settingsFile, sharing: fixture.context.sharing },
    expired: expired.resolve,
    waitMilliseconds: 1,
  });
  const waiting = setInterval(() => {}, 1_000);
  t.same(source.accept(secretOf(fixture.shares[0] ?? '')), { given: 1, needed: 2 });
  await expired.promise;
  clearInterval(waiting);
  t.same(source.accept(secretOf(fixture.shares[1] ?? '')), { given: 1, needed: 2 }, 'the first one is gone');
  await source.close();
  await t.rejects(source.open(new Uint8Array(16)), /^.*0 of the 2 shares/);
});

t.test('shares of a new root are made where somebody takes them', async (t) => {
  const fixture = new RootFixture(t);
  const vault = await fixture.open('shares:2/3', { deliverShares: undefined });
  t.equal(vault.sealedBecause, 'the shares of a new root are made by: kmipd init --root shares:2/3');
  t.equal(fixture.keyrings.stored, undefined);
  const failing = async () => Promise.reject(new Error('no printer'));
  await t.rejects(fixture.open('shares:2/3', { deliverShares: failing }), /no printer/);
  t.equal(fixture.keyrings.stored, undefined, 'nothing is encrypted under shares that nobody has');
});
