import t from 'tap';
import { accessorLiterals } from './accessors.ts';
import { readTree } from './source.ts';

const literal = 'const f = () => ({\n  a: 1,\n  get b() {\n    return 2;\n  },\n  set c(d) {},\n});';

t.test('the rule finds accessors in object literals', async (t) => {
  const found = ['src/net/a.ts', 'src/operations/b/c.ts', 'codec/d.ts', 'src/cli/e.ts'].flatMap((path) =>
    accessorLiterals([{ path, text: literal }]),
  );
  t.same(
    found,
    ['src/net/a.ts', 'src/operations/b/c.ts', 'codec/d.ts'].flatMap((path) =>
      [3, 6].map((line) => `${path}:${line}: an accessor in an object literal: write a class`),
    ),
  );
  const inClass = 'class A {\n  get b() {\n    return { get: 1, set(): void {} };\n  }\n}';
  t.same(accessorLiterals([{ path: 'codec/a.ts', text: inClass }]), []);
});

t.test('no message makes an object literal with accessors', async (t) => {
  t.same(accessorLiterals(readTree()), []);
});
