import { randomFillSync } from 'node:crypto';
import type { Argv } from 'yargs';
import { allocateSecretBytes, Secret } from '../../common/secret.ts';
import { encryptSecret } from '../../common/secret-transfer.ts';
import { type AdministratorRole, administratorRoles } from '../../identity/administrator.ts';
import { passwordVerifier } from '../../identity/passwords.ts';
import { otpauthUri, type TotpHash, toBase32, totpHashes, totpSecretBytes } from '../../identity/totp.ts';
import type { NewCredential } from '../../management/administrator-api.ts';
import type { ManagementCall } from '../../management/api.ts';
import { ApprovalPendingError } from '../../management/errors.ts';
import { type Command, homeOption, print, readInput, requirePlainName, storeOption } from '../command.ts';
import { CommandError, failureLines } from '../failure.ts';
import { readPassword } from '../password-input.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface CredentialArguments {
  readonly name: string;
  readonly home: string;
  readonly store?: string;
  readonly cert?: string;
  readonly 'password-file'?: string;
  readonly 'totp-hash': Lowercase<TotpHash>;
}

interface AddArguments extends CredentialArguments {
  readonly role: AdministratorRole;
}

/** Characters of the password of an administrator. */
const minPasswordLength = 12;

function withCredentialOptions(yargs: Argv): Argv {
  return yargs
    .positional('name', { type: 'string', describe: 'Name of the administrator' })
    .options(homeOption)
    .options(storeOption)
    .option('cert', {
      type: 'string',
      requiresArg: true,
      describe: 'Certificate (PEM, DER) whose private key proves who it is, in place of a password',
    })
    .option('password-file', {
      type: 'string',
      requiresArg: true,
      describe: 'File with the password [standard input, or asked for]',
    })
    .option('totp-hash', {
      choices: totpHashes.map((hash) => hash.toLowerCase()),
      default: 'sha1',
      describe: 'Hash of the one-time passwords; many authenticator apps know sha1 only',
    })
    .conflicts('cert', 'password-file');
}

/** The command `admin add`. */
export const adminAdd: Command<AddArguments> = {
  command: 'add <name>',
  isManaged: true,
  describe: 'Add an administrator; prints the secret of its one-time passwords, once',
  builder: (yargs) =>
    withCredentialOptions(yargs).option('role', {
      choices: administratorRoles,
      demandOption: true,
      describe: 'What it may do: docs/administrators.md',
    }),
  run: (args) =>
    withNewCredential(args, async (call, name, credential) => {
      await call('admin.add', { name, role: args.role, credential });
      return `administrator ${name} is added: role ${args.role}`;
    }),
};

/** The command `admin reset`. */
export const adminReset: Command<CredentialArguments> = {
  command: 'reset <name>',
  isManaged: true,
  describe: 'Give an administrator another certificate, or another password and one-time secret',
  builder: withCredentialOptions,
  run: (args) =>
    withNewCredential(args, async (call, name, credential) => {
      await call('admin.reset', { name, credential });
      return `administrator ${name} has another credential; logins by the former one have ended`;
    }),
};

type StoreCredential = (call: ManagementCall, name: string, credential: NewCredential) => Promise<string>;

async function withNewCredential(args: CredentialArguments, store: StoreCredential): Promise<void> {
  const name = requirePlainName('the name', args.name);
  const { withManagement } = await import('../state-directory/management.ts');
  const run = (work: (call: ManagementCall) => Promise<void>) =>
    withManagement(stateDirectoryAt(args.home), args.store, work);
  if (args.cert !== undefined) {
    const certificate = await readCertificate(args.cert);
    return run(async (call) => print(await store(call, name, { certificate })));
  }
  const password = await readNewPassword(name, args['password-file']);
  const hash = args['totp-hash'].toUpperCase() as TotpHash;
  using secret = new Secret(randomFillSync(allocateSecretBytes(totpSecretBytes[hash])));
  await run(async (call) => {
    const { publicKey } = await call('vault.receiver', {});
    const totp = { hash, secret: encryptSecret(secret, publicKey) };
    // Before it is stored: otherwise a command that is killed, or whose request waits for an approval, leaves
    // an administrator whose secret nobody has seen.
    print('the secret of its one-time passwords, which is not shown again:');
    print(`secret: ${toBase32(secret.bytes)}`);
    print(`uri:    ${otpauthUri(name, { hash, secret: secret.bytes })}`);
    print(await store(call, name, { password, totp }).catch((error) => explainSecret(error, name)));
  });
}

/** Says what is to be thought of a secret that was shown. */
function explainSecret(error: unknown, name: string): never {
  if (error instanceof ApprovalPendingError) throw error;
  const why = failureLines(error).join('; ');
  const judgement = `the secret above is not valid, unless kmipd admin show ${name} says otherwise`;
  throw new CommandError(`${why}; ${judgement}`, { cause: error });
}

async function readNewPassword(name: string, file: string | undefined) {
  const password = await readPassword(`password of administrator ${name}`, file);
  if (password.length < minPasswordLength)
    throw new CommandError(`the password of an administrator has at least ${minPasswordLength} characters`);
  return passwordVerifier(password);
}

/** Returns the first certificate of a file as PEM. */
async function readCertificate(file: string): Promise<string> {
  const { readCertificateFile } = await import('../../../certs/certificate-file.ts');
  const content = readInput(file, 'certificates');
  try {
    return readCertificateFile(content)[0].toString();
  } catch (error) {
    throw new CommandError(`${file} cannot be used: ${(error as Error).message}`);
  }
}
