import { withBackends } from '../../src/cli/state-directory/backends.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { Daemon } from '../fixture/daemon.ts';
import type { MaintenanceAct, Round } from './maintenance-act.ts';
import { manageDaemon } from './manage-daemon.ts';

/** Another node of the database writes and is gone for good; then its lanes are folded. */
export const folding: MaintenanceAct = { name: 'fold', aim: 40, prepare: writeAsNode, run: foldNodes };

/** Writes one client from a state directory of its own, which is then deleted. */
async function writeAsNode({ server, store, prefix }: Round): Promise<void> {
  const node = Daemon.prepareBeside(server);
  const url = store ?? `sqlite:${server.database}`;
  const name = `node ${prefix}`;
  try {
    const isAdded = await withBackends(stateDirectoryAt(node.home), url, ({ clients }) =>
      clients.add({
        ...{ name, group: 'default', role: 'full', disabled: true },
        ...{ fingerprint: Buffer.from(name).toString('hex').padStart(64, '0').slice(-64), enrolledAt: 0 },
        certificate: '',
      }),
    );
    if (!isAdded) throw new Error(`the client ${name} is there already`);
  } finally {
    await node.remove();
  }
}

/** Removes every other node, those that an earlier round was killed before too. */
function foldNodes(round: Round, begin: () => void): Promise<void> {
  let removed = 0;
  let others = 0;
  return manageDaemon(
    round,
    begin,
    async (call) => {
      const gone = (await call('node.list', {})).filter(({ isOwn }) => !isOwn);
      others = gone.length;
      if (others === 0) throw new Error('no other node has written');
      for (const { name, commits } of gone) {
        await call('node.remove', { name, commits });
        removed += 1;
      }
      const left = await call('node.list', {});
      if (left.some(({ isOwn }) => !isOwn)) throw new Error('a removed node is listed');
    },
    () => removed > 0 && removed < others,
  );
}
