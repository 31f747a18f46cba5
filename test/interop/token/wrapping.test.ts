import t from 'tap';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { makeSecret, missing, pin, SoftToken, softhsm } from './soft-token.ts';

/** By what the token is left with, the format and the way that kmipd chooses. */
const choices: readonly { faults: readonly string[]; format: number; way: string }[] = [
  { faults: [], format: 3, way: 'wrap' },
  { faults: ['encrypt-wraps'], format: 3, way: 'encrypt' },
  { faults: ['hide 0x2109', 'hide 0x210a'], format: 4, way: 'encrypt' },
  { faults: ['hide 0x2109', 'hide 0x210a', 'own-iv'], format: 4, way: 'encrypt' },
];

t.test('a token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const shared = token.client(t);
  await shared.open();

  await t.test('unwraps what it has wrapped, by each mechanism it is left with', async (t) => {
    for (const [number, { faults, format, way }] of choices.entries()) {
      token.setFaults(...faults);
      const client = token.client(t, {}, token.uri(`;object=key${number}`));
      await client.open();
      t.match(client.key, {
        format,
        way,
        isExtractable: false,
        isSensitive: true,
        wasNeverExtractable: true,
      });
      for (const length of [1, 7, 8, 16, 59, 127, 128]) {
        const wrapped = await client.wrap(makeSecret(length));
        t.equal(wrapped[0], format);
        t.same(await client.unwrap(wrapped), makeSecret(length), `${faults}, ${length} bytes`);
        const altered = wrapped.with(-1, (wrapped.at(-1) ?? 0) ^ 1);
        t.equal(await client.unwrap(altered), undefined, 'altered');
      }
      const [first, second] = [await client.wrap(makeSecret()), await client.wrap(makeSecret())];
      // RFC 3394 has no IV: a secret has one form there.
      if (format === 4) t.notSame(first, second, 'each secret has an IV of its own');
      else t.same(first, second);
      await client.close();
    }
    token.setFaults();
  });

  await t.test('opens an older format after the preference has changed', async (t) => {
    // This key may encrypt and wrap, as keys that others make may.
    const id = 'aa55';
    token.run(
      'pkcs11-tool',
      '--module',
      softhsm,
      '--token-label',
      'kmipd',
      ...[
        ...['--login', '--pin', pin, '--keygen', '--key-type', 'AES:32', '--label', 'both', '--id', id],
        ...['--usage-wrap', '--usage-decrypt', '--sensitive'],
      ],
    );
    token.setFaults('hide 0x2109', 'hide 0x210a');
    const older = token.client(t, { mode: 'find' }, token.uri(';object=both;id=%AA%55'));
    await older.open();
    const wrapped = await older.wrap(makeSecret());
    t.equal(wrapped[0], 4);
    token.setFaults();
    const newer = token.client(t, { mode: 'find' }, token.uri(';object=both'));
    await newer.open();
    t.equal(newer.key.format, 3);
    t.equal(newer.id, older.id, 'the key has its name whatever the mechanism');
    t.same(await newer.unwrap(wrapped), makeSecret());
  });

  await t.test('rejects what another key has wrapped, and bytes that are no format', async (t) => {
    const other = token.client(t, {}, token.uri(';object=other'));
    await other.open();
    t.not(other.id, shared.id);
    t.equal(await shared.unwrap(await other.wrap(makeSecret())), undefined);
    for (const bytes of [[], [0], [3], [9, 1, 2], [4, 1], new Array(1_025).fill(3)])
      t.equal(await shared.unwrap(Uint8Array.from(bytes)), undefined);
    t.equal(shared.health.state, 'up', 'what is rejected is no failure of the token');
  });

  await t.test('wraps by an RSA pair, and says by which hash', async (t) => {
    token.run(
      'pkcs11-tool',
      '--module',
      softhsm,
      '--token-label',
      'kmipd',
      ...[
        ...[
          '--login',
          '--pin',
          pin,
          '--keypairgen',
          '--key-type',
          'rsa:2048',
          '--label',
          'pair',
          '--id',
          'b0',
        ],
      ],
    );
    const client = token.client(t, { mode: 'find' }, token.uri(';object=pair'));
    await client.open();
    // SoftHSM2 has OAEP with SHA-1 only.
    t.match(client.key, { algorithm: 'RSA-2048', format: 6 });
    const wrapped = await client.wrap(makeSecret(128));
    t.same(await client.unwrap(wrapped), makeSecret(128));
    t.equal(await client.unwrap(wrapped.with(-1, (wrapped.at(-1) ?? 0) ^ 1)), undefined);
  });

  await t.test('refuses lengths that it does not wrap', async (t) => {
    await t.rejects(shared.wrap(new Uint8Array()), RangeError);
    await t.rejects(shared.wrap(new Uint8Array(129)), RangeError);
    t.same(await shared.unwrap(await shared.wrap(makeSecret(64))), makeSecret(64));
  });

  await t.test('says what is wrong with a URI that fits no key or no token', async (t) => {
    const cases: readonly [string, RegExp][] = [
      [';object=absent', /no key that fits the URI/],
      [';serial=0;object=root', /no token fits the URI; present: kmipd \(serial [0-9a-f]{16}\)/],
      ['', /the URI names no key/],
    ];
    for (const [path, message] of cases) {
      const client = token.client(t, { mode: 'find' }, token.uri(path));
      await t.rejects(client.open(), { constructor: VaultUnavailableError, message });
      await client.close();
    }
    token.addToken('kmipd');
    const client = token.client(t, { mode: 'find' });
    await t.rejects(client.open(), { message: /several tokens fit/ });
  });
});
