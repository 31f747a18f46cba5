import yargs, { type Argv } from 'yargs';
import { didYouMean } from '../common/suggest.ts';
import {
  type AdministratorArguments,
  refuseContradictions,
  useAdministrator,
} from './administrator-login.ts';
import {
  administratorOptions,
  type Command,
  type CommandGroup,
  printError,
  repeatableOptions,
} from './command.ts';
import { adminCommands } from './commands/admin.ts';
import { approvalCommands } from './commands/approval.ts';
import { auditCommands } from './commands/audit/audit.ts';
import { createCheckConfigCommand, type Inspect } from './commands/check-config.ts';
import { clientCommands } from './commands/client.ts';
import { crl } from './commands/crl.ts';
import { decode } from './commands/decode.ts';
import { grantCommands } from './commands/grants/grant.ts';
import { init } from './commands/init.ts';
import { nodeCommands } from './commands/node.ts';
import { objectCommands } from './commands/object.ts';
import { policyCommands } from './commands/policy.ts';
import { quotaCommands } from './commands/quotas/quota.ts';
import { roleCommands } from './commands/role.ts';
import { type Boot, createServeCommand } from './commands/serve.ts';
import { vaultCommands } from './commands/vault.ts';
import { verifyDatabaseCommand } from './commands/verify.ts';
import { failureLines, UsageError } from './failure.ts';

/** What commands do with the daemon's modules, which only they load. */
export interface DaemonModules {
  readonly boot: Boot;
  readonly inspect: Inspect;
}

/**
 * Runs a command line, given without the program's name. Resolves to the exit code: 0 done, 1 failed, 2 not
 * parsed. Failures are printed on stderr, one line each, with a stack only when KMIPD_DEBUG is 1.
 */
export async function run(args: readonly string[], version: string, daemon: DaemonModules): Promise<number> {
  try {
    const action = await parseCommandLine(args, version, daemon);
    await action?.();
    return 0;
  } catch (error) {
    for (const line of failureLines(error)) printError(`kmipd: ${line}`);
    if (process.env.KMIPD_DEBUG === '1' && error instanceof Error)
      for (const line of (error.stack ?? '').split('\n')) printError(line);
    return error instanceof UsageError ? 2 : 1;
  }
}

/**
 * Returns the action of a command line; undefined when it asked for help or the version, which are printed
 * here.
 * @throws {UsageError} when it cannot be parsed.
 */
async function parseCommandLine(args: readonly string[], version: string, { boot, inspect }: DaemonModules) {
  // No command runs inside yargs, so every error of yargs is about the command line.
  let action: (() => Promise<void>) | undefined;
  function add(parser: Argv, command: Command | CommandGroup): Argv {
    if ('commands' in command) {
      return parser.command(command.command, command.describe, (inner) => {
        for (const each of command.commands) add(inner, each);
        return inner.demandCommand(1);
      });
    }
    const build = (inner: Argv) =>
      command.isManaged ? command.builder(inner).options(administratorOptions) : command.builder(inner);
    return parser.command(command.command, command.describe, build, (options) => {
      requirePlausibleValues(options, args);
      const administrator = command.isManaged ? (options as AdministratorArguments) : undefined;
      if (administrator !== undefined) refuseContradictions(administrator);
      action = () => useAdministrator(administrator, () => command.run(options as never));
    });
  }
  const top: readonly (Command | CommandGroup)[] = [
    createServeCommand(boot),
    init,
    createCheckConfigCommand(inspect),
    decode,
    clientCommands,
    adminCommands,
    approvalCommands,
    roleCommands,
    policyCommands,
    grantCommands,
    quotaCommands,
    crl,
    objectCommands,
    nodeCommands,
    auditCommands,
    verifyDatabaseCommand,
    vaultCommands,
  ];
  const parser = yargs([...args])
    .scriptName('kmipd')
    .usage('$0 COMMAND\n\nA KMIP key server.');
  for (const command of top) add(parser, command);
  parser
    .demandCommand(1)
    .strict()
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'short-option-groups': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .locale('en')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .alias('help', 'h')
    .version(version)
    .exitProcess(false)
    .fail(false);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(explainParserError(error.message, args, top));
  }
  return action;
}

/** Rejects values that yargs accepts: repeated, empty, or a flag with a text. */
function requirePlausibleValues(options: Readonly<Record<string, unknown>>, args: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (name === '_' || name === '$0') continue;
    // yargs turns a lone -, which stands for standard input, into an empty text.
    if (value === '' && !args.includes('-')) throw new UsageError(describeEmpty(name, args));
    if (Array.isArray(value) && !repeatableOptions.has(name))
      throw new UsageError(`--${name} is given more than once`);
    const word = args.find((candidate) => candidate.startsWith(`--${name}=`));
    if (typeof value === 'boolean' && word !== undefined && !/=(true|false)$/.test(word)) {
      throw new UsageError(`${word} is not possible; write --${name}`);
    }
  }
}

/** What is wrong with an empty option, or an empty argument of that name in the synopsis of the command. */
function describeEmpty(name: string, args: readonly string[]): string {
  const isOption = args.some((candidate) => candidate.split('=', 1)[0] === `--${name}`);
  return isOption ? `--${name} needs a value` : `the argument [${name}] is empty`;
}

const nameOf = ({ command }: Command | CommandGroup): string => command.split(' ')[0] ?? '';

/** Rewords an error of yargs as one line that names the wrong argument and the command for help. */
function explainParserError(
  message: string,
  args: readonly string[],
  top: readonly (Command | CommandGroup)[],
): string {
  const positionals = args.filter((word) => !word.startsWith('-'));
  let [group, within, depth] = ['kmipd', top, 0];
  for (;;) {
    const inner = within.find((each) => nameOf(each) === positionals[depth]);
    if (inner === undefined || !('commands' in inner)) break;
    [group, within, depth] = [`${group} ${nameOf(inner)}`, inner.commands, depth + 1];
  }
  const word = positionals[depth];
  const commands = within.map(nameOf);
  if (word === undefined) return `which command? ${commands.join(', ')}; see ${group} --help`;
  if (!commands.includes(word)) {
    return `unknown command "${word}"${didYouMean(word, commands) || `; see ${group} --help`}`;
  }
  const help = `see ${group} ${word} --help`;
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ')[0];
  if (unknown !== undefined) {
    const option = args.find((candidate) => new RegExp(`^--?${RegExp.escape(unknown)}(=|$)`).test(candidate));
    return option === undefined
      ? `"${unknown}" is one word too many; ${help}`
      : `unknown option ${option.split('=')[0]}; ${help}`;
  }
  const unvalued = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (unvalued !== undefined) return `--${unvalued} needs a value; ${help}`;
  const [, name, value, choices] = /Argument: (.+), Given: (.+), Choices: (.+)$/.exec(message) ?? [];
  if (name !== undefined) return `--${name} cannot be ${value}; choose from ${choices}`;
  const [, first, second] = /^Arguments (.+) and (.+) are mutually exclusive$/.exec(message) ?? [];
  if (first !== undefined) return `--${second} and --${first} exclude each other; give one of them`;
  if (message.startsWith('Not enough non-option arguments')) return `the name is missing; ${help}`;
  const missing = /^Missing required arguments?: (.+)$/.exec(message)?.[1]?.split(', ');
  if (missing !== undefined)
    return `--${missing.join(' and --')} ${missing.length > 1 ? 'are' : 'is'} missing; ${help}`;
  return `${message.split('\n')[0]}; ${help}`;
}
