import t from 'tap';
import { setConfigValue } from '../../../src/config/edit.ts';
import { renderConfig } from '../../../src/config/template.ts';
import { readRootUris } from '../../../src/config/values.ts';

const set = (source: string, value: string | readonly string[] = 'file:/b') =>
  setConfigValue(source, 'vault', 'root', value);

t.test('a value is changed, and nothing else', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['', '\n[vault]\nroot = "file:/b"\n'],
    ['listen = "a:1"\n', 'listen = "a:1"\n\n[vault]\nroot = "file:/b"\n'],
    ['[vault]\nroot = "file:a" # ours\nx = 1\n', '[vault]\nroot = "file:/b" # ours\nx = 1\n'],
    ["[vault]\r\nroot = 'file:a#b'\r\n", '[vault]\r\nroot = "file:/b"\r\n'],
    ['[vault]\nroot = [\n  "file:a", # new\n  "file:c",\n]\nx = 1\n', '[vault]\nroot = "file:/b"\nx = 1\n'],
    [
      '[other]\nroot = "x"\n[vault] # keys\nx = 1',
      '[other]\nroot = "x"\n[vault] # keys\nroot = "file:/b"\nx = 1',
    ],
    ['vault.root = "file:a"\n[log]\n', 'vault.root = "file:/b"\n[log]\n'],
    ['vault.x = 0\n[log]\n', 'vault.root = "file:/b"\nvault.x = 0\n[log]\n'],
    [
      'a = """\n[vault]\nroot = "x"\n"""\n',
      'a = """\n[vault]\nroot = "x"\n"""\n\n[vault]\nroot = "file:/b"\n',
    ],
  ];
  for (const [before, after] of cases) t.equal(set(before), after, JSON.stringify(before));
  t.equal(set('[vault]\nroot = "a"', ['b', 'c']), '[vault]\nroot = ["b","c"]');
  t.equal(set('vault = { root = "a" }\n'), undefined, 'a table in one line is left to the operator');
  t.end();
});

t.test('in the file of a new home the value follows its example', (t) => {
  const source = renderConfig();
  const changed = set(source) ?? '';
  t.match(changed, /\n#root = "file:root.key"\nroot = "file:\/b"\n/);
  t.equal(changed.replace('root = "file:/b"\n', ''), source);
  t.equal(set(set(changed, ['file:/b', 'passphrase:']) ?? ''), changed);
  t.end();
});

t.test('a home has one root or two different ones', (t) => {
  const read = (value: unknown) => readRootUris(value, '/home');
  t.strictSame(read('file:a'), [{ kind: 'file', path: '/home/a' }]);
  t.equal(read(['file:a', 'passphrase:']).length, 2);
  t.throws(() => read([]), /must be one root, or a list of two different ones/);
  t.throws(() => read(['file:a', 'file:b', 'file:c']), /a list of two/);
  t.throws(() => read(['file:a', 7]), /must be a text in quotes/);
  t.end();
});
