import type { Profile } from './profile.ts';

/** P-256 and AES-128 on TLS 1.2; withdrawn in 2.0. */
export const suiteB128: Profile = {
  name: 'Suite B minLOS_128 Server',
  servers: {
    '1.0': 'SuiteBMinLOS_128ServerKMIPV1_0',
    '1.1': 'SuiteBMinLOS_128ServerKMIPV1_1',
    '1.2': 'SuiteBMinLOS_128ServerKMIPV1_2',
    '1.3': 'SuiteBMinLOS_128ServerKMIPV1_3',
    '1.4': 'SuiteBMinLOS_128ServerKMIPV1_4',
  },
  cases: ['SUITEB_128-M-*'],
  supported: true,
};
