import t from 'tap';
import { missing, pin, SoftToken, softhsm } from './soft-token.ts';
import { makeKeys, readKeys, TokenHome } from './token-home.ts';

/** A database moves from a file to a token, which has no key for it yet. */

t.setTimeout(600_000);

function listKeys(token: SoftToken): string {
  const options = ['--token-label', 'kmipd', '--login', '--pin', pin];
  return token.run('pkcs11-tool', '--module', softhsm, ...options, '--list-objects');
}

t.test('vault change-root makes the key in a token', { skip: missing }, async (t) => {
  for (const isServed of [false, true])
    await t.test(isServed ? 'by the daemon' : 'where no daemon runs', async (t) => {
      const token = new SoftToken(t);
      const home = new TokenHome(t, token);
      t.match(await home.kmipd('init', '--metrics', '127.0.0.1:0'), { code: 0 });
      await home.start();
      const client = await home.connect();
      const ids = await makeKeys(client, 5);
      const before = await readKeys(client, ids);
      await client.close();
      if (!isServed) t.equal(await home.end(), 0);
      t.equal(listKeys(token), '');
      const moved = await home.kmipd('vault', 'change-root', token.uriText());
      t.equal(moved.code, 0, moved.output);
      t.match(listKeys(token), /^ +label: +root$/m);
      if (isServed) t.equal(await home.end(), 0);
      await home.start();
      const reader = await home.connect();
      t.strictSame(await readKeys(reader, ids), before);
      await reader.close();
      const { output } = await home.kmipd('vault', 'status');
      t.match(output, /^root +[0-9a-f]{16} +live +\S+Z +pkcs11:token=kmipd;object=root\?/m);
    });
});
