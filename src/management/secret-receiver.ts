import { SecretReceiver } from '../common/secret-transfer.ts';

/** Of this process; made when the first operator comes. */
let receiver: SecretReceiver | undefined;

/** Returns the key for which operators encrypt what they send to this process. */
export function secretReceiver(): SecretReceiver {
  receiver ??= new SecretReceiver();
  return receiver;
}
