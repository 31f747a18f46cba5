import { CryptographyBusyError } from '../../crypto/errors.ts';
import { TokenUnavailableError } from '../../crypto/token-device.ts';
import { hasHiddenObjects, listTokenKeyObjects, listTokenKeys } from '../../protocol/token-key-list.ts';
import type { ManagementBackends, MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** Keys that are made within this time may still get their objects. */
const minOrphanSeconds = 3_600;

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

/** The methods about keys of clients in a token. */
export const tokenKeyMethods: MethodsOf<'tokenKey'> = {
  'tokenKey.objects': (backends, { after }) => listTokenKeyObjects(backends, after, nowInSeconds()),
  'tokenKey.list': (backends) =>
    withDevice(backends, (device) => listTokenKeys(backends, device, nowInSeconds())),
  'tokenKey.remove': (backends, { id, token }) =>
    withDevice(backends, async (device) => {
      const now = nowInSeconds();
      const found = (await listTokenKeys(backends, device, now)).find(({ reference }) => reference.id === id);
      if (found === undefined || found.isReleased || found.made > now - minOrphanSeconds)
        throw new ManagementError(`the key ${id} is none that is left in the token`);
      if (await hasHiddenObjects(backends))
        throw new ManagementError(
          'nothing was removed: objects that are not found by their numbers may have keys in the token; run kmipd vault accept',
        );
      await device.remove({ id, token });
      return {};
    }),
};

async function withDevice<T>(
  { keyDevice, tokens }: ManagementBackends,
  use: (device: NonNullable<ManagementBackends['keyDevice']>) => Promise<T>,
): Promise<T> {
  if (keyDevice === undefined)
    throw new ManagementError('no keys are made in a token: set tokenKeys.token in kmipd.toml');
  try {
    return await use(keyDevice);
  } catch (error) {
    if (error instanceof CryptographyBusyError) throw new ManagementError(error.message);
    if (!(error instanceof TokenUnavailableError)) throw error;
    const reason = (error.cause as Error | undefined)?.message ?? tokens.list().at(-1)?.reason;
    throw new ManagementError(reason ?? error.message);
  }
}
