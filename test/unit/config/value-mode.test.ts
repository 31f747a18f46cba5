import t from 'tap';
import { parseConfig } from '../../../src/config/index.ts';

const parse = (source: string) => parseConfig(source, 'kmipd.toml', '/home');

t.test('direct mode needs roots in tokens alone', async (t) => {
  const token = 'pkcs11:token=t;object=o?module-path=/v.so';
  t.equal(parse(`[vault]\nroot = "${token}"\nvalues = "direct"\n`).vault.values, 'direct');
  for (const root of ['"file:root.key"', `["${token}", "file:root.key"]`, `"all-of:${token}+credential:a"`])
    t.throws(() => parse(`[vault]\nroot = ${root}\nvalues = "direct"\n`), {
      message: /"vault.values" is "direct", which needs a "vault.root" that is a key in a token/,
    });
  t.throws(() => parse('[vault]\nvalues = "direct"\n'), { message: /which needs a "vault.root"/ });
});
