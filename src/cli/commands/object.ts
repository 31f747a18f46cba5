import { createInterface } from 'node:readline/promises';
import type { ManagementCall } from '../../management/api.ts';
import type { KeySummary } from '../../management/object-api.ts';
import { hasAdministrator } from '../administrator-login.ts';
import {
  type Command,
  type CommandGroup,
  homeOption,
  identifierArgument,
  print,
  storeOption,
} from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { type StoreArguments, withMethods } from './method-calls.ts';
import { printCandidate } from './object-candidate.ts';
import { objectHistory } from './object-history.ts';
import { objectPurge } from './object-purge.ts';
import { objectRestorable, objectRestore } from './object-restore.ts';

interface ShowArguments extends StoreArguments {
  readonly id: string;
}

interface TrustArguments extends ShowArguments {
  readonly fingerprint?: string;
  readonly remove?: boolean;
}

/** The command `object show`. */
const objectShow: Command<ShowArguments> = {
  command: 'show <id>',
  isManaged: true,
  describe:
    'Show a key without its value: group, history, fingerprint, whether Sensitive keys may leave under it',
  builder: (yargs) =>
    yargs
      .positional('id', identifierArgument('Unique Identifier of the key'))
      .options(homeOption)
      .options(storeOption),
  run: async (args) => printCandidate(await showKey(args)),
};

/** The command `object trust`. */
const objectTrust: Command<TrustArguments> = {
  command: 'trust <id>',
  isManaged: true,
  describe: 'Mark a key as recipient: Sensitive keys of its group may leave wrapped under it',
  builder: (yargs) =>
    yargs
      .positional('id', identifierArgument('Unique Identifier of the wrapping key'))
      .options(homeOption)
      .options(storeOption)
      .option('fingerprint', {
        type: 'string',
        requiresArg: true,
        describe: 'SHA-256 of the key, in hexadecimal, as its owner told it; another key is refused',
      })
      .option('remove', { type: 'boolean', describe: 'Remove the mark' })
      .conflicts('remove', 'fingerprint')
      .example('$0 object trust ID --fingerprint 9f86d0…', 'the public key of a backup system'),
  async run(args) {
    const expected = readFingerprint(args.fingerprint);
    await (args.remove ? removeMark(args) : mark(args, expected));
  },
};

/** The commands `object`. */
export const objectCommands: CommandGroup = {
  command: 'object',
  describe: 'Show keys, mark those under which Sensitive keys may leave, restore and purge destroyed objects',
  commands: [objectShow, objectHistory, objectTrust, objectPurge, objectRestorable, objectRestore],
};

function readFingerprint(text: string | undefined): string | undefined {
  const hex = text?.replaceAll(':', '').toLowerCase();
  if (hex !== undefined && !/^[0-9a-f]{64}$/.test(hex))
    throw new UsageError('--fingerprint must be SHA-256 in hexadecimal: 64 digits, with or without colons');
  return hex;
}

const noFingerprint = '0'.repeat(64);

const showKey = (args: ShowArguments): Promise<KeySummary> =>
  withMethods(args, (call) => call('object.show', { id: args.id }), 'read');

async function mark(args: TrustArguments, expected: string | undefined): Promise<void> {
  const { id } = args;
  const compare = async (call: ManagementCall) => {
    const candidate = await call('object.show', { id });
    if (candidate.problem === undefined) await confirm(candidate);
    // The method says why a key without a fingerprint cannot be marked.
    return candidate.fingerprint ?? noFingerprint;
  };
  let fingerprint = expected;
  // No other command waits while somebody compares, unless somebody has logged in, which takes another login.
  if (fingerprint === undefined && !hasAdministrator())
    fingerprint = await withMethods(args, compare, 'read');
  const { group } = await withMethods(args, async (call) => {
    fingerprint ??= await compare(call);
    return call('object.mark', { id, fingerprint });
  });
  print(`${id} is a recipient: Sensitive keys of group ${group} may leave under it`);
  if (expected === undefined)
    print(`its fingerprint is ${fingerprint}; compare it with its owner, or --remove the mark`);
}

/** Asks on a terminal; a script that gives no fingerprint has decided by the identifier. */
async function confirm(candidate: KeySummary): Promise<void> {
  if (!process.stdin.isTTY) return;
  printCandidate(candidate);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Is this the fingerprint that its owner told? yes/no: ');
  terminal.close();
  if (answer.trim() !== 'yes') throw new CommandError('nothing is marked');
}

async function removeMark(args: TrustArguments): Promise<void> {
  const { id } = args;
  await withMethods(args, (call) => call('object.unmark', { id }));
  print(`${id} is no recipient any more; what left under it before stays with its owner`);
}
