import { SecretReceiver } from '../../common/secret-transfer.ts';
import type { MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** Of this process; made when the first operator comes. */
let receiver: SecretReceiver | undefined;

/** The methods about the vault: what it is wrapped by, and what operators give to unseal it. */
export const vaultMethods: MethodsOf<'vault'> = {
  async 'vault.status'({ control, nodes }) {
    const status = control.status();
    return { ...status, nodes: status.sealedBecause === null ? await nodes.list() : [] };
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
};
