import { SecretReceiver } from '../../common/secret-transfer.ts';
import { rewrapPage } from '../../protocol/rewrap.ts';
import type { MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';
import { retireEpochs } from '../retirement.ts';

/** Of this process; made when the first operator comes. */
let receiver: SecretReceiver | undefined;

/** The methods about the vault: what it is wrapped by, and what operators give to unseal it. */
export const vaultMethods: MethodsOf<'vault'> = {
  async 'vault.status'({ control, nodes, tokens }) {
    const status = control.status();
    return {
      ...status,
      tokens: tokens.list(),
      nodes: status.sealedBecause === null ? await nodes.list() : [],
    };
  },
  async 'vault.receiver'() {
    receiver ??= new SecretReceiver();
    return { publicKey: receiver.publicKey };
  },
  async 'vault.unseal'({ control }, { input }) {
    using secret = receiver?.decrypt(input);
    if (secret === undefined) throw new ManagementError('what was sent is not encrypted for this kmipd');
    const { given, needed } = await control.unseal(secret);
    return { given, needed, sealedBecause: control.status().sealedBecause };
  },
  'vault.prepareRoot': async ({ roots }, { uri, isMade, publicKey }) => ({
    shares: await roots.prepare(uri, isMade, publicKey),
  }),
  'vault.addRoot': async ({ roots }, { uri, mayBeLive }) => ({ id: await roots.add(uri, mayBeLive) }),
  async 'vault.keepRoot'({ roots }, { id }) {
    await roots.keep(id);
    return {};
  },
  async 'vault.tokenLogin'({ control, tokens }) {
    await tokens.logIn();
    // A first reading may have begun before the token was there.
    for (let at = 0; at < 2 && control.status().sealedBecause !== null; at += 1) await control.refresh();
    return { sealedBecause: control.status().sealedBecause };
  },
  'vault.rotate': async ({ control }, { renewsSecrets }) => ({
    epoch: await (renewsSecrets ? control.renewSecrets() : control.rotate()),
  }),
  async 'vault.rewrap'({ store, vault, sealedRows }, { table, after, dryRun }) {
    const now = Math.floor(Date.now() / 1000);
    const options = { epoch: vault.currentEpoch, now, dryRun };
    const page = await rewrapPage({ store, vault, sealedRows }, table, after, options);
    return { ...page, highest: await sealedRows.highest(table) };
  },
  'vault.retire': (backends, { epoch }) => retireEpochs(backends, epoch),
};
