import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { RevocationReasonCode } from '../../codec/enums.ts';
import { connect, enumerated, readIdentity, structure, text } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { create, createIssuer } from './issuer.ts';

/** A naming policy whose identifier is none of an authority is reported wherever it is put in force. */

t.setTimeout(900_000);

const serve = ['serve', '--home', 'home', '--listen', '127.0.0.1:0'];

t.test('a policy that binds nobody is reported by check-config, at the start and by a reload', async (t) => {
  const directory = t.testdir();
  const file = join(directory, 'home', 'kmipd.toml');
  const write = (issuers: readonly string[]) =>
    writeFileSync(
      file,
      issuers
        .map((issuer) => `[authorities.${JSON.stringify(issuer)}]\ndomains = ["kmip.example"]\n`)
        .join(''),
    );
  const check = async () => {
    const command = await runKmipd(directory, 'check-config', '--home', 'home');
    return { errors: command.errors.split('\n').filter((line) => line.includes('binds nobody')), command };
  };

  t.equal(await (await runKmipd(directory, 'init', '--home', 'home')).exited(), 0);
  write(['Root']);
  t.same(
    (await check()).errors,
    [
      'kmipd: "authorities.Root" binds nobody: it is the identifier of no certificate of an authority; there are no issuers yet',
    ],
    'before the first start',
  );

  const daemon = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  t.match(warningsIn(daemon.output), [{ keys: ['authorities.Root'] }], 'at the first start');
  const client = await connect({ port, ...(await readIdentity(join(directory, 'home', 'clients', 'demo'))) });
  t.teardown(() => client.close());
  const { publicKey, certificate } = await createIssuer(client);

  /** Entries that bind nobody, each with the issuer that is suggested. */
  const wrong: readonly (readonly [string, string | undefined])[] = [
    [certificate.toUpperCase(), certificate],
    [`${certificate.slice(0, -1)}x`, certificate],
    ['Root', certificate],
    ['root', certificate],
    ['CN=Root', certificate],
    [publicKey, undefined],
    ['nothing like it', undefined],
  ];
  const issuer = `${certificate} (group default, CN=Root)`;
  const expectedWarnings = wrong.map(([id, meant]) => ({
    level: 'warn',
    keys: [`authorities.${id}`],
    issuers: [issuer],
    ...(meant !== undefined && { probablyMeant: meant }),
  }));
  const expectedErrors = wrong.map(
    ([id, meant]) =>
      `kmipd: "authorities.${id}" binds nobody: it is the identifier of no certificate of an authority; ` +
      `issuers are ${issuer}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
  );
  // Identifiers that are made one after another resemble each other: a suggestion there is right as well.
  const known = (text: string) => !text.includes(publicKey);

  const reportsAll = async (what: string) => {
    const { errors, command } = await check();
    t.same(errors.filter(known), expectedErrors.filter(known), `check-config, ${what}`);
    t.equal(errors.length, wrong.length, `check-config names the public key too, ${what}`);
    t.equal(await command.exited(), 1, command.combinedOutput);
    const from = daemon.output.length;
    await daemon.reload();
    const warnings = warningsIn(daemon.output.slice(from));
    const isKnown = ({ keys }: { keys: string[] }) => known(keys.join());
    t.match(warnings.filter(isKnown), expectedWarnings.filter(isKnown), `SIGHUP, ${what}`);
    t.equal(warnings.length, wrong.length, `SIGHUP names the public key too, ${what}`);
  };
  write([certificate, ...wrong.map(([id]) => id)]);
  await reportsAll('with the authority');

  write([certificate]);
  await create(
    client,
    'Revoke',
    text('UniqueIdentifier', certificate),
    structure(
      'RevocationReason',
      enumerated('RevocationReasonCode', RevocationReasonCode.toNumber('Superseded')),
    ),
  );
  await create(client, 'Destroy', text('UniqueIdentifier', certificate));
  const gone = await runKmipd(directory, 'check-config', '--home', 'home');
  t.match(gone.output, /: ok\n/, 'an authority whose certificate is destroyed is still bound');
  t.equal(await daemon.end('SIGTERM'), 0);
  const second = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => second.end('SIGKILL'));
  await second.ready();
  t.same(warningsIn(second.output), []);
});

/** The log lines about policies that bind nobody. */
function warningsIn(output: string): readonly { readonly keys: string[] }[] {
  return output
    .split('\n')
    .filter((line) => line.includes('a naming policy binds nobody'))
    .map((line) => JSON.parse(line));
}
