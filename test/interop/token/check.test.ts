import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { missing, SoftToken, softhsm } from './soft-token.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

async function check(token: SoftToken, uri: string, ...options: readonly string[]) {
  const child = spawn(process.execPath, [main, 'vault', 'token', 'check', '--uri', uri, ...options], {
    env: { ...process.env, ...token.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { output, errors, code };
}

t.test('vault token check', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  t.beforeEach(() => token.setFaults());

  await t.test('shows what the token can do, by a key of the session when it has none', async (t) => {
    const { output, errors, code } = await check(token, token.uriText(), '--runs', '3');
    t.equal(errors, '');
    t.equal(code, 0);
    t.match(output, /^token +kmipd, serial [0-9a-f]{16}, slot \d+$/m);
    t.match(output, /^login +works$/m);
    t.match(output, /^key +AES-256, made for this check alone: the token has no key that fits the URI$/m);
    t.match(output, /^wraps by +AES-KW, C_WrapKey of an imported secret$/m);
    t.match(output, /^speed +\d+\.\d\d ms to wrap and unwrap a secret \(median of 3\)$/m);
    t.match(output, /^MECHANISM +ENCRYPT +WRAP +GENERATE +SIGN +DERIVE +KEY SIZES +KMIPD$/m);
    t.match(output, /^CKM_AES_KEY_WRAP +- +yes +- +- +- +16-\d+ +wraps the keyring$/m);
    t.match(output, /^CKM_AES_GCM +yes +- +- +- +- +16-32 +could wrap the keyring$/m);
    t.match(output, /^CKM_AES_KEY_GEN +- +- +yes +- +- +16-32 +makes the root key$/m);
    t.same(token.run('pkcs11-tool', '--module', softhsm, '--list-objects'), '');
  });

  await t.test('has an object for programs', async (t) => {
    const client = token.client(t);
    await client.open();
    const { output, code } = await check(token, token.uriText(), '--runs', '1', '--json');
    t.equal(code, 0);
    const report = JSON.parse(output);
    t.match(report, {
      token: { label: 'kmipd', pin: 'required' },
      areCoreDumpsEmpty: true,
      login: 'works',
      key: { id: client.id, isTrial: false, format: 'AES-KW', isExtractable: false },
      runs: 1,
      problem: null,
    });
    t.match(
      report.mechanisms.find(({ name }: { name: string }) => name === 'CKM_AES_GCM'),
      {
        mechanism: 0x1087,
        functions: ['encrypt', 'decrypt'],
        minKeySize: 16,
        maxKeySize: 32,
        use: 'could wrap the keyring',
      },
    );
  });

  await t.test('tries no login when its failure would lock the PIN, unless it is asked to', async (t) => {
    token.setFaults('token flags 0x20000');
    const before = token.logins.length;
    const { output, errors, code } = await check(token, token.uriText(), '--runs', '1');
    t.equal(code, 1);
    t.match(output, /^PIN +one more failed login locks it$/m);
    t.match(output, /^login +not tried$/m);
    t.match(errors, /^kmipd: no login was tried, .*--may-lock-pin tries it\n$/);
    t.equal(token.logins.length, before);
  });

  await t.test('tries one login, and takes relative paths from the home as kmipd.toml does', async (t) => {
    const before = token.logins.length;
    const relative = token.uriText().replace(`file:${token.path('pin')}`, 'file:pin');
    t.notMatch(relative, token.path('pin'));
    const { output, errors, code } = await check(token, relative, '--runs', '5', '--home', token.directory);
    t.match({ errors, code }, { errors: '', code: 0 });
    t.match(output, /median of 5/);
    t.same(token.logins.slice(before), ['0x0']);
    const elsewhere = await check(token, relative, '--home', token.path('elsewhere'));
    t.match(elsewhere, { code: 1, errors: /elsewhere\/pin: there is no such file/ });
  });

  await t.test('shows nothing by which a library could write over the terminal', async (t) => {
    token.setFaults('token model a\x1b[2J\x9b1m\u202eb');
    const { output, code } = await check(token, token.uriText(), '--runs', '1');
    t.equal(code, 0);
    t.match(output, /^model +a \[2J/m);
    t.notMatch(output, /[^\P{Cc}\n]|\p{Cf}/u);
    const { output: json } = await check(token, token.uriText(), '--runs', '1', '--json');
    t.match(JSON.parse(json).token.model, /^a \[2J/);
    t.notMatch(json, /\\u0|\p{Cf}/u);
  });

  await t.test('says what is wrong, in one line, and shows what it found before', async (t) => {
    const elsewhere = await check(token, token.uriText().replace('token=kmipd', 'token=absent'));
    t.match(elsewhere, { code: 1, output: '', errors: /^kmipd: .*no token fits the URI; present: kmipd/ });
    const absent = await check(token, 'pkcs11:?module-path=/nonexistent/vendor.so');
    t.match(absent, {
      code: 1,
      errors: /^kmipd: the token cannot be used: \/nonexistent\/vendor\.so: .*\n$/,
    });
    const given = await check(token, 'pkcs11:?module-path=/v.so&pin-value=1234');
    t.match(given, { code: 1, errors: /pin-value would put the PIN/ });
    t.notMatch(given.errors, '1234');
    token.writePin('13572468');
    const wrong = await check(token, token.uriText());
    t.match(wrong, { code: 1, errors: /^kmipd: C_Login returned CKR_PIN_INCORRECT\n$/ });
    t.match(wrong.output, /^login +fails$/m);
    t.match(wrong.output, /^CKM_AES_KEY_WRAP /m);
  });
});
