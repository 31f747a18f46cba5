import type { ManagedVaultStatus } from '../../management/api.ts';
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
  describe:
    'Show whether the vault is sealed and why, its live roots, its seal epochs, and what nodes know of them',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object' }),
  async run({ home, store, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    const status = await withManagement(stateDirectoryAt(home), store, (call) => call('vault.status', {}), {
      access: 'look',
    });
    print(json ? JSON.stringify(toJson(status)) : formatStatus(status));
  },
};

const formatTimeOrNull = (seconds: number | null) => (seconds === null ? null : formatTime(seconds));

function toJson(status: ManagedVaultStatus) {
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
    problems: rootProblems,
    tokens: tokens.map(({ since, ...token }) => ({ ...token, since: formatTime(since) })),
    epochs: epochs.map(({ createdAt, ...epoch }) => ({ ...epoch, created: formatTime(createdAt) })),
    indexes: indexEpochs,
    nodes: nodes.map(({ name, keyring, writtenAt, roots: node }) => ({
      ...{ name, keyring, roots: node, written: formatTimeOrNull(writtenAt) },
    })),
  };
}

function formatStatus(status: ManagedVaultStatus): string {
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
    ...rootProblems.map((problem) => ['problem', '', '', '', problem]),
  ]);
}
