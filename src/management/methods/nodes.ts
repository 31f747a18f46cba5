import { didYouMean } from '../../common/suggest.ts';
import type { MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** The methods about nodes: which homes write to the database, and the removal of those that are gone. */
export const nodeMethods: MethodsOf<'node'> = {
  'node.list': ({ nodes }) => nodes.list(),
  'node.renew': async ({ nodes }) => ({ isRenewed: await nodes.renew() }),
  async 'node.remove'({ nodes }, { name, commits }) {
    const listed = await nodes.list();
    const node = listed.find((each) => each.name === name);
    if (node === undefined) {
      const suggestion = didYouMean(
        name,
        listed.map((each) => each.name),
      );
      throw new ManagementError(`there is no node "${name}"${suggestion}; kmipd node list shows the nodes`);
    }
    if (node.isOwn) throw new ManagementError(`${name} is the node of this home, which cannot remove itself`);
    if (commits === undefined) return node;
    if (node.commits !== commits)
      throw new ManagementError(
        `the node ${name} is alive: it has written meanwhile; stop its daemon and commands first`,
      );
    if (await nodes.remove(name, commits)) return node;
    throw new ManagementError(
      `the node ${name} was not removed: it has written meanwhile, or another process has removed it; see kmipd node list`,
    );
  },
};
