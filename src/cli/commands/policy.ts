import type { ExplanationStep } from '../../protocol/explanation.ts';
import {
  type Command,
  type CommandGroup,
  homeOption,
  identifierArgument,
  jsonOption,
  print,
  requirePlainName,
  storeOption,
} from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { policyTry } from './policy-try.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly client: string;
  readonly operation: string;
  readonly object?: string;
  readonly json: boolean;
}

/** The command `policy explain`. */
const policyExplain: Command<Arguments> = {
  command: 'explain',
  isManaged: true,
  describe: 'Say whether a client may use an operation, and by what; exit code 1 when it may not',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('client', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Name of the client',
      })
      .option('operation', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Operation by its KMIP name, such as Get, or another permission, such as ImportReplace',
      })
      .option('object', {
        ...identifierArgument('Unique Identifier of the object that the operation is about'),
        requiresArg: true,
      })
      .options(jsonOption),
  async run({ home, store, client, operation, object, json }) {
    const query = { client: requirePlainName('the client', client), operation, object };
    const { withManagement } = await import('../state-directory/management.ts');
    const steps = await withManagement(
      stateDirectoryAt(home),
      store,
      (call) => call('policy.explain', query),
      { access: 'read' },
    );
    for (const step of steps) print(json ? JSON.stringify(step) : formatStep(step));
    if (!steps.every(({ isAllowed }) => isAllowed)) throw new CommandError(`${client} may not ${operation}`);
    if (!json)
      print(
        'permitted; what only a request shows is not checked: the issuer of the certificate, credentials, attributes, formats, wrapping, usage masks, dates and limits',
      );
  },
};

/** The commands `policy`. */
export const policyCommands: CommandGroup = {
  command: 'policy',
  describe: 'See what a client may do, and why',
  commands: [policyExplain, policyTry],
};

const formatStep = ({ subject, isAllowed, reason }: ExplanationStep) =>
  `${`${subject}:`.padEnd(11)}${isAllowed ? 'yes' : 'no '}  ${reason}`;
