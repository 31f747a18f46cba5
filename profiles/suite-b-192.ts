import type { Profile } from './profile.ts';

/** P-384 and AES-256 on TLS 1.2; withdrawn in 2.0. */
export const suiteB192: Profile = {
  name: 'Suite B minLOS_192 Server',
  servers: {
    '1.0': 'SuiteBMinLOS_192ServerKMIPV1_0',
    '1.1': 'SuiteBMinLOS_192ServerKMIPV1_1',
    '1.2': 'SuiteBMinLOS_192ServerKMIPV1_2',
    '1.3': 'SuiteBMinLOS_192ServerKMIPV1_3',
    '1.4': 'SuiteBMinLOS_192ServerKMIPV1_4',
  },
  cases: ['SUITEB_192-M-*'],
  supported: false,
  missing: 'a new state directory has keys on P-256, not on P-384',
};
