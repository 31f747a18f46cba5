import { writeFileAtomically } from '../../common/durable-file.ts';
import { integerBetween } from '../../config/values.ts';
import type { IssuerSummary, RevocationLists } from '../../protocol/revocation-lists.ts';
import { type Command, homeOption, print, printError, readOption, storeOption } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly issuer?: string;
  readonly home: string;
  readonly store?: string;
  readonly out?: string;
  readonly pem: boolean;
  readonly days: string;
  readonly revoke?: string;
}

/** Revoked certificates stay on a CRL for this long after their expiry, so no CRL may be valid for longer. */
const maxDays = 30;

/** The command `crl`. */
export const crl: Command<Arguments> = {
  command: 'crl [issuer]',
  describe: 'Write the certificate revocation list (CRL) of an issuer; without ISSUER, list the issuers',
  builder: (yargs) =>
    yargs
      .positional('issuer', { type: 'string', describe: 'Unique Identifier of the issuer’s certificate' })
      .options(homeOption)
      .options(storeOption)
      .option('out', { type: 'string', requiresArg: true, describe: 'File, instead of standard output' })
      .option('pem', { type: 'boolean', default: false, describe: 'As PEM, not DER' })
      .option('days', {
        type: 'string',
        default: '7',
        requiresArg: true,
        describe: `Days for which the CRL is valid, at most ${maxDays}`,
      })
      .option('revoke', {
        type: 'string',
        requiresArg: true,
        describe: 'First revoke the certificate with this serial number, in hex; for one that is no object',
      })
      .example('$0 crl', 'the issuers')
      .example('$0 crl ISSUER --out /srv/www/issuer.crl', 'a new CRL; do it every day'),
  async run(args) {
    const { issuer, out, pem } = args;
    const days = readOption('days', args.days, (text) =>
      integerBetween(1, maxDays)(Number(text), ''),
    ) as number;
    if (issuer !== undefined && out === undefined && !pem && process.stdout.isTTY)
      throw new UsageError('the CRL is binary; give --out FILE or --pem');
    const serial = args.revoke === undefined ? undefined : readSerial(args.revoke);
    if (serial !== undefined && issuer === undefined)
      throw new UsageError('--revoke needs ISSUER; kmipd crl alone shows the issuers');
    const { nodeCrypto } = await import('../../crypto/node/node.ts');
    const { RevocationLists } = await import('../../protocol/revocation-lists.ts');
    const { withBackends } = await import('../state-directory/backends.ts');
    await withBackends(stateDirectoryAt(args.home), args.store, async ({ clients, store, vault }) => {
      const lists = new RevocationLists(store, vault, nodeCrypto, Date.now);
      if (issuer !== undefined && serial !== undefined) await revokeSerial(lists, issuer, serial);
      if (issuer !== undefined) return await writeList(lists, issuer, { out, pem, days });
      const groups = new Set((await clients.list()).map(({ group }) => group));
      await printIssuers(lists, [...groups].toSorted());
    });
  },
};

/** Reads a serial number as openssl and browsers print it: hex, perhaps with colons. */
function readSerial(text: string): Uint8Array {
  const digits = text.replaceAll(':', '');
  if (!/^[0-9a-f]{1,40}$/i.test(digits))
    throw new UsageError(`--revoke ${text}: it is not a serial number in hex`);
  return Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
}

async function revokeSerial(lists: RevocationLists, issuer: string, serial: Uint8Array): Promise<void> {
  const subject = await lists.revoke(issuer, serial);
  if (subject === undefined)
    throw new CommandError(`${issuer} has issued no certificate with the serial number ${serial.toHex()}`);
  // Standard output may be the CRL.
  printError(`revoked: ${serial.toHex()} ${subject}`);
}

async function writeList(
  lists: RevocationLists,
  issuer: string,
  { out, pem, days }: { readonly out: string | undefined; readonly pem: boolean; readonly days: number },
): Promise<void> {
  const list = await lists.make(issuer, days * 86_400);
  if (list === undefined)
    throw new CommandError(
      `${issuer} is not the certificate of an issuer: it and its key must be Active; kmipd crl alone shows the issuers`,
    );
  const bytes = pem ? encodePem(list.der) : list.der;
  if (out === undefined) return void process.stdout.write(bytes);
  // A CRL is public, and web servers read the file.
  writeFileAtomically(out, bytes, 0o644);
  const until = new Date(list.nextUpdate * 1000).toISOString().slice(0, 10);
  print(`CRL ${list.number}: ${list.entries} revoked, valid until ${until}`);
}

function encodePem(der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}

async function printIssuers(lists: RevocationLists, groups: readonly string[]): Promise<void> {
  const issuers: IssuerSummary[] = [];
  for (const group of groups) issuers.push(...(await lists.issuers(group)));
  if (issuers.length === 0)
    print('there are no issuers; clients create them with Create Key Pair and Certify');
  for (const { id, group, subject, notAfter } of issuers)
    print(`${id}  group ${group}, until ${new Date(notAfter * 1000).toISOString().slice(0, 10)}: ${subject}`);
}
