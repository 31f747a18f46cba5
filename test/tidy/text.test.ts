import t, { type Test } from 'tap';
import { readTree } from './source.ts';
import { foreignWords, pooledBuffers, strayVersions, wideComments } from './text.ts';

type Rule = typeof strayVersions;

/** A rule finds `bad` at line 2 of a file at `path`, and nothing in `good`. */
function distinguishes(t: Test, rule: Rule, path: string, good: readonly string[], bad: readonly string[]) {
  for (const text of good) t.same(rule([{ path, text: `\n${text}\n` }]), [], `allows ${text}`);
  for (const text of bad) t.match(rule([{ path, text: `\n${text}\n` }]), [`${path}:2: `], `finds ${text}`);
}

t.test('the rule finds protocol versions in code', async (t) => {
  const good = [
    `since: '1.4',`,
    `A: since('2.0', maybe(x)),`,
    `until: '2.0'`,
    `// from '1.4' on`,
    `'TLSv1.2'`,
    `1.4`,
  ];
  const bad = [`if (version === '1.4') x();`, 'case "2.1":', `older(version, '2.0')`, `since: x ? '1.0' : y`];
  distinguishes(t, strayVersions, 'src/protocol/x.ts', good, bad);
  t.same(strayVersions([{ path: 'codec/eras.ts', text: `'2.0'` }]), []);
});

t.test('the rule finds buffers of the shared pool', async (t) => {
  const good = [
    'Buffer.alloc(32)',
    'Buffer.from(view.buffer, 0, 3)',
    `Buffer.from('abc') // pooled: a constant`,
    'Buffer.allocUnsafeSlow(8)',
    '// Buffer.concat(x)',
  ];
  const bad = [
    `Buffer.from(key, 'hex')`,
    'Buffer.concat([a, b])',
    'Buffer.allocUnsafe(3)',
    'Buffer.from(k) // pooled:',
  ];
  distinguishes(t, pooledBuffers, 'src/vault/x.ts', good, bad);
  t.same(pooledBuffers([{ path: 'src/vault/x.ts', text: '// pooled: lengths\nBuffer.concat(x)' }]), []);
  t.same(pooledBuffers([{ path: 'src/net/x.ts', text: 'Buffer.concat(x)' }]), []);
});

t.test('the rule finds words that do not belong here', async (t) => {
  const good = ['worker/workers', 'a/network/b', 'farmland', '../shared/oasis', '"resolved": "file:x"'];
  const bad = ['see /wor', 'in /far', 'at .librar', 'https://regis', '"resolved": "htt', 'a sub-agen'];
  const ends = ['k/main', 'm/x', 'y', 'try.npmjs.org', 'ps://x"', 't'];
  distinguishes(
    t,
    foreignWords,
    'README.md',
    good,
    bad.map((begin, index) => `${begin}${ends[index]}`),
  );
});

t.test('the rule finds wide comments', async (t) => {
  const wide = 'x'.repeat(108);
  const good = [
    `// ${wide.slice(1)}`,
    `const a = '${wide}'; // b`.slice(0, 110),
    `const a = '${wide}${wide}';`,
  ];
  const bad = [
    `// ${wide}`,
    `/** a */ /* ${wide} */`,
    `  // ${wide.slice(2)}`,
    `${wide.slice(9)}(); // abcdef`,
  ];
  distinguishes(t, wideComments, 'test/x.ts', good, bad);
  const block = `/**\n * short\n * ${wide}\n * short\n */\n`;
  t.match(wideComments([{ path: 'src/x.ts', text: block }]), [/^src\/x\.ts:3: .* column 111, at most 110$/]);
});

t.test('the code names no version, pool or machine, and its comments are wrapped', async (t) => {
  const tree = readTree();
  t.same(strayVersions(tree), []);
  t.same(pooledBuffers(tree), []);
  t.same(foreignWords(tree), []);
  t.same(wideComments(tree), []);
});
