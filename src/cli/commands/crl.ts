import { writeFileAtomically } from '../../common/durable-file.ts';
import type { ManagementCall } from '../../management/api.ts';
import { maxRevocationListDays } from '../../management/params.ts';
import { type Command, homeOption, print, printError, readWholeNumber, storeOption } from '../command.ts';
import { UsageError } from '../failure.ts';
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

/** The command `crl`. */
export const crl: Command<Arguments> = {
  command: 'crl [issuer]',
  isManaged: true,
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
        describe: `Days for which the CRL is valid, at most ${maxRevocationListDays}`,
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
    const days = readWholeNumber('days', args.days, { min: 1, max: maxRevocationListDays }) as number;
    if (issuer !== undefined && out === undefined && !pem && process.stdout.isTTY)
      throw new UsageError('the CRL is binary; give --out FILE or --pem');
    const serial = args.revoke === undefined ? undefined : readSerial(args.revoke);
    if (serial !== undefined && issuer === undefined)
      throw new UsageError('--revoke needs ISSUER; kmipd crl alone shows the issuers');
    const { withManagement } = await import('../state-directory/management.ts');
    await withManagement(stateDirectoryAt(args.home), args.store, async (call) => {
      if (issuer === undefined) return await printIssuers(call);
      if (serial !== undefined) await revokeSerial(call, issuer, serial);
      await writeList(call, issuer, { out, pem, days });
    });
  },
};

/** Reads a serial number as openssl and browsers print it: hex, perhaps with colons. */
function readSerial(text: string): string {
  const digits = text.replaceAll(':', '');
  if (!/^[0-9a-f]{1,40}$/i.test(digits))
    throw new UsageError(`--revoke ${text}: it is not a serial number in hex`);
  return `${digits.length % 2 === 0 ? '' : '0'}${digits.toLowerCase()}`;
}

async function revokeSerial(call: ManagementCall, issuer: string, serial: string): Promise<void> {
  const { subject } = await call('crl.revoke', { issuer, serial });
  // Standard output may be the CRL.
  printError(`revoked: ${serial} ${subject}`);
}

async function writeList(
  call: ManagementCall,
  issuer: string,
  { out, pem, days }: { readonly out: string | undefined; readonly pem: boolean; readonly days: number },
): Promise<void> {
  const list = await call('crl.make', { issuer, seconds: days * 86_400 });
  const bytes = pem ? encodePem(list.der) : Uint8Array.fromBase64(list.der);
  if (out === undefined) return void process.stdout.write(bytes);
  // A CRL is public, and web servers read the file.
  writeFileAtomically(out, bytes, 0o644);
  const until = new Date(list.nextUpdate * 1000).toISOString().slice(0, 10);
  print(`CRL ${list.number}: ${list.entries} revoked, valid until ${until}`);
}

/** `der`: in Base64. */
function encodePem(der: string): string {
  const lines = der.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}

async function printIssuers(call: ManagementCall): Promise<void> {
  const issuers = await call('crl.issuers', {});
  if (issuers.length === 0)
    print('there are no issuers; clients create them with Create Key Pair and Certify');
  for (const { id, group, subject, notAfter } of issuers)
    print(`${id}  group ${group}, until ${new Date(notAfter * 1000).toISOString().slice(0, 10)}: ${subject}`);
}
