import { createInterface } from 'node:readline/promises';
import type { RecipientCandidate, RecipientDirectory } from '../../protocol/recipient-directory.ts';
import { type Command, type CommandGroup, homeOption, print, storeOption } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { printCandidate, requireCandidate, type StoreArguments, withRecipients } from './object-candidate.ts';
import { objectPurge } from './object-purge.ts';

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
  describe:
    'Show a key without its value: group, history, fingerprint, whether Sensitive keys may leave under it',
  builder: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'Unique Identifier of the key' })
      .options(homeOption)
      .options(storeOption),
  run: (args) =>
    withRecipients(args, async (directory) => printCandidate(await requireCandidate(directory, args.id))),
};

/** The command `object trust`. */
const objectTrust: Command<TrustArguments> = {
  command: 'trust <id>',
  describe: 'Mark a key as recipient: Sensitive keys of its group may leave wrapped under it',
  builder: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'Unique Identifier of the wrapping key' })
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
    await withRecipients(args, (directory) =>
      args.remove ? removeMark(directory, args.id) : mark(directory, args.id, expected),
    );
  },
};

/** The commands `object`. */
export const objectCommands: CommandGroup = {
  command: 'object',
  describe: 'Show keys, mark those under which Sensitive keys may leave, purge destroyed objects',
  commands: [objectShow, objectTrust, objectPurge],
};

function readFingerprint(text: string | undefined): string | undefined {
  const hex = text?.replaceAll(':', '').toLowerCase();
  if (hex !== undefined && !/^[0-9a-f]{64}$/.test(hex))
    throw new UsageError('--fingerprint must be SHA-256 in hexadecimal: 64 digits, with or without colons');
  return hex;
}

async function mark(directory: RecipientDirectory, id: string, expected: string | undefined): Promise<void> {
  const candidate = await requireCandidate(directory, id);
  const fingerprint = candidate.fingerprint.toHex();
  if (candidate.problem !== undefined)
    throw new CommandError(`${id} cannot be a recipient: ${candidate.problem}`);
  if (expected !== undefined && expected !== fingerprint)
    throw new CommandError(`${id} is another key: its fingerprint is ${fingerprint}`);
  if (expected === undefined) await confirm(candidate);
  await directory.mark(id, candidate.fingerprint);
  print(`${id} is a recipient: Sensitive keys of group ${candidate.group} may leave under it`);
  if (expected === undefined)
    print(`its fingerprint is ${fingerprint}; compare it with its owner, or --remove the mark`);
}

/** Asks on a terminal; a script that gives no fingerprint has decided by the identifier. */
async function confirm(candidate: RecipientCandidate): Promise<void> {
  if (!process.stdin.isTTY) return;
  printCandidate(candidate);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Is this the fingerprint that its owner told? yes/no: ');
  terminal.close();
  if (answer.trim() !== 'yes') throw new CommandError('nothing is marked');
}

async function removeMark(directory: RecipientDirectory, id: string): Promise<void> {
  if (!(await directory.unmark(id))) throw new CommandError(`${id} is not marked as recipient`);
  print(`${id} is no recipient any more; what left under it before stays with its owner`);
}
