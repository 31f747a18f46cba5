import type { ManagedVaultStatus, ManagementCall } from '../../management/api.ts';
import type { ValuePlaces } from '../../protocol/misplaced-values.ts';
import { type Command, homeOption, print, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable, formatTime } from '../table.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
}

/** The command `vault status`. */
export const vaultStatus: Command<Arguments> = {
  command: 'status',
  isManaged: true,
  describe:
    'Show whether the vault is sealed and why, its live roots, its seal epochs, and what nodes know of them',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object' }),
  async run({ home, store, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    const { status, values } = await withManagement(stateDirectoryAt(home), store, readAll, {
      access: 'look',
    });
    print(json ? JSON.stringify(toJson(status, values)) : formatStatus(status, values));
  },
};

/** Reads the status, and counts values where a token may have to do with them. */
async function readAll(call: ManagementCall) {
  const status = await call('vault.status', {});
  const mayBeDirect = status.values === 'direct' || status.roots.some(({ kind }) => kind === 'pkcs11');
  return { status, values: mayBeDirect ? await call('vault.values', {}) : null };
}

const formatTimeOrNull = (seconds: number | null) => (seconds === null ? null : formatTime(seconds));

function toJson(status: ManagedVaultStatus, values: ValuePlaces | null) {
  const { sealedBecause, configured, generation, roots, tokens, epochs, indexEpochs } = status;
  const { nodes, atHand, rootProblems } = status;
  return {
    sealed: sealedBecause !== null,
    reason: sealedBecause,
    configured,
    generation,
    roots: roots.map(({ createdAt, ...root }) => ({
      ...{ ...root, since: formatTime(createdAt), atHand: atHand.includes(root.id) },
    })),
    values: { mode: status.values, ...values },
    problems: rootProblems,
    tokens: tokens.map(({ since, ...token }) => ({ ...token, since: formatTime(since) })),
    epochs: epochs.map(({ createdAt, ...epoch }) => ({ ...epoch, created: formatTime(createdAt) })),
    indexes: indexEpochs,
    nodes: nodes.map(({ name, keyring, writtenAt, roots: node }) => ({
      ...{ name, keyring, roots: node, written: formatTimeOrNull(writtenAt) },
    })),
  };
}

function formatStatus(status: ManagedVaultStatus, values: ValuePlaces | null): string {
  const { sealedBecause, configured, generation, roots, tokens, epochs, indexEpochs } = status;
  const { nodes, atHand, rootProblems } = status;
  if (sealedBecause !== null)
    return [
      `sealed: ${sealedBecause}`,
      `root:   ${configured.join(', ')}`,
      ...tokens.map(({ uri, state, since }) => `token:  ${state} since ${formatTime(since)}, ${uri}`),
    ].join('\n');
  return formatTable([
    ['WHAT', 'NAME', 'STATE', 'SINCE', ''],
    ['keyring', `generation ${generation}`, 'unsealed', '', ''],
    ...roots.map(({ id, uri, createdAt }) => [
      ...['root', id, atHand.includes(id) ? 'live' : 'live, not here'],
      ...[formatTime(createdAt), uri],
    ]),
    ...tokens.map(({ uri, state, since, reason }) => ['token', '', state, formatTime(since), reason || uri]),
    ...epochs.map(({ epoch, state, createdAt, seals }) => [
      ...['epoch', String(epoch), state, formatTime(createdAt)],
      seals === null ? '' : `${seals} boxes`,
    ]),
    ...(indexEpochs.length > 1
      ? [['indexes', indexEpochs.join(', '), 'rows move to the last', '', 'kmipd vault rewrap, retire']]
      : []),
    ...nodes.map(({ name, keyring, writtenAt, isOwn, roots: node }) => [
      ...['node', name, `generation ${keyring}`, formatTimeOrNull(writtenAt) ?? 'unknown'],
      [...(isOwn ? ['this node'] : []), `roots ${node.join(' ') || 'unknown'}`].join(', '),
    ]),
    ...(values === null ? [] : formatValues(status, values)),
    ...rootProblems.map((problem) => ['problem', '', '', '', problem]),
  ]);
}

function formatValues({ values: mode }: ManagedVaultStatus, { direct, envelope, misplaced }: ValuePlaces) {
  const hint =
    misplaced === 0 ? [] : [['values', '', 'to be moved', '', `${misplaced}, by kmipd vault rewrap`]];
  return [
    ['values', 'envelope', mode === 'envelope' ? 'mode of new values' : '', '', `${envelope} values`],
    ...(direct.length === 0 && mode === 'direct'
      ? [['values', 'direct', 'mode of new values', '', '0 values']]
      : []),
    ...direct.map(({ root, count }) => [
      ...['values', 'direct', mode === 'direct' ? 'mode of new values' : '', ''],
      `${count} values under ${root}`,
    ]),
    ...hint,
  ];
}
