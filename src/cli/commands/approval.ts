import { createInterface } from 'node:readline/promises';
import type { ManagementCall } from '../../management/api.ts';
import type { ApprovalSummary, RequestingClient } from '../../management/approval-api.ts';
import { type Command, type CommandGroup, homeOption, jsonOption, print, storeOption } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTime } from '../table.ts';

interface ListArguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
}

interface DecisionArguments {
  readonly id: string;
  readonly home: string;
  readonly store?: string;
}

const approvalList: Command<ListArguments> = {
  command: 'list',
  isManaged: true,
  describe: 'List the requests that wait for an administrator, with everything that was asked for',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run({ home, store, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    const listed = await withManagement(stateDirectoryAt(home), store, (call) => call('approval.list', {}), {
      access: 'read',
    });
    for (const request of listed) print(json ? JSON.stringify(toJson(request)) : formatRequest(request));
    if (!json && listed.length === 0) print('no requests wait for an approval');
  },
};

function decision(
  verb: string,
  describe: string,
  decide: (call: ManagementCall, id: string) => Promise<string>,
): Command<DecisionArguments> {
  return {
    command: `${verb} <id>`,
    isManaged: true,
    describe,
    builder: (yargs) =>
      yargs
        .positional('id', { type: 'string', describe: 'Number of the request, see kmipd approval list' })
        .options(homeOption)
        .options(storeOption),
    async run({ id, home, store }) {
      if (!/^[0-9a-f]{12}$/.test(id)) throw new UsageError(`${JSON.stringify(id)} is no number of a request`);
      const { withManagement } = await import('../state-directory/management.ts');
      await withManagement(stateDirectoryAt(home), store, async (call) => print(await decide(call, id)));
    },
  };
}

/** The commands `approval`. */
export const approvalCommands: CommandGroup = {
  command: 'approval',
  describe: 'Requests of administrators and clients that need the approval of an administrator',
  commands: [
    approvalList,
    decision(
      'approve',
      'Approve the request of another administrator or of a client: it is done at once; asks on a terminal',
      async (call, id) => {
        await confirm(call, id);
        const { request } = await call('approval.approve', { id });
        const done =
          request.client === undefined ? 'approved and done' : 'approved: kmipd does it for the client';
        return `${formatRequest(request)}\n${done}`;
      },
    ),
    decision(
      'reject',
      'Reject the request of another administrator or of a client, or withdraw an own one',
      async (call, id) => {
        const { request } = await call('approval.reject', { id });
        return `${formatRequest(request)}\nnothing was changed`;
      },
    ),
  ],
};

/** Shows a request on a terminal, and asks; what it says cannot change between. */
async function confirm(call: ManagementCall, id: string): Promise<void> {
  const request = (await call('approval.list', {})).find((each) => each.id === id);
  if (!process.stdin.isTTY || request?.state !== 'pending') return;
  print(formatRequest(request));
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Approve it, so that it is done at once? yes/no: ');
  terminal.close();
  if (answer.trim() !== 'yes') throw new CommandError('nothing was approved');
}

function toJson({ askedAt, expiresAt, ...request }: ApprovalSummary) {
  return { ...request, asked: formatTime(askedAt), expires: formatTime(expiresAt) };
}

function formatRequest({ id, method, params, requester, expiresAt, ...rest }: ApprovalSummary): string {
  const { state, decidedBy, problem, client } = rest;
  const decided = decidedBy === undefined ? '' : ` by ${decidedBy}`;
  const lines = {
    request: id,
    state: `${state}${decided}${problem === undefined ? '' : `: ${problem}`}`,
    'asked by': client === undefined ? requester : `client ${requester}`,
    expires: formatTime(expiresAt),
    ...(client === undefined
      ? { method, parameters: JSON.stringify(params) }
      : describeClientRequest(client, params as ClientParams)),
  };
  return Object.entries(lines)
    .map(([key, value]) => `${`${key}:`.padEnd(13)}${value}`)
    .join('\n');
}

/** Parameters of the request of a client. */
interface ClientParams {
  readonly items: readonly string[];
  readonly objects: Readonly<Record<string, readonly (string | null)[]>>;
}

/** Describes what a client waits for: operations under the rule with their objects, and its message. */
function describeClientRequest(
  { group, role, bearer }: RequestingClient,
  { items, objects }: ClientParams,
): Readonly<Record<string, string>> {
  const named: readonly (readonly string[])[] = Object.entries(objects).map(([operation, ids]) => {
    return [
      operation,
      ids.map((id) => (id === null ? 'an object that the request makes' : plain(id))).join(', '),
    ];
  });
  return {
    group,
    role,
    ...(bearer !== undefined && { 'sent by': `client ${bearer}, by a ticket` }),
    ...Object.fromEntries(named),
    message: items.join(', '),
  };
}

/** Returns an identifier that cannot pass for another text: a client may have chosen it. */
function plain(id: string): string {
  return /^[\w.:-]+$/.test(id) ? id : JSON.stringify(id);
}
