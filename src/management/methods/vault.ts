import { SecretReceiver } from '../../common/secret-transfer.ts';
import { countValues } from '../../protocol/misplaced-values.ts';
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
  'vault.values': ({ sealedRows, vault }) => countValues(sealedRows, vault),
  async 'vault.addRoot'({ roots, vault }, { uri, mayBeLive }) {
    if (vault.direct.mode === 'direct' && !uri.startsWith('pkcs11:'))
      throw new ManagementError(
        'values are sealed in direct mode, which needs a root in a token: set values = "envelope" in [vault], send SIGHUP, and run kmipd vault rewrap before the change',
      );
    return { id: await roots.add(uri, mayBeLive) };
  },
  async 'vault.keepRoot'({ roots, sealedRows, vault }, { id }) {
    await roots.keep(id, async () => {
      const { direct } = await countValues(sealedRows, vault);
      const left = direct.filter(({ root }) => root !== id).reduce((sum, { count }) => sum + count, 0);
      if (left > 0)
        throw new ManagementError(
          `nothing was changed: the token of a root that would end wraps the keys of ${left} values, which nothing else opens; ${
            id === vault.direct.root
              ? 'kmipd vault rewrap seals them under the newest root'
              : 'end the change of the root, and change back then'
          }`,
        );
    });
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
  async 'vault.rewrap'({ store, vault, sealedRows, audit }, { table, after, dryRun }) {
    const now = Math.floor(Date.now() / 1000);
    const options = { epoch: vault.currentEpoch, now, dryRun };
    const page = await rewrapPage({ store, vault, sealedRows, audit }, table, after, options);
    return { ...page, highest: await sealedRows.highest(table) };
  },
  'vault.retire': (backends, { epoch }) => retireEpochs(backends, epoch),
};
