import type { Profile } from './profile.ts';

/** The whole specification, with the cipher suites of TLS 1.2. */
export const completeTls12: Profile = {
  name: 'Complete Server TLS v1.2',
  servers: {
    '1.2': 'CompleteServerTLSV1_2KMIPV1_2',
    '1.3': 'CompleteServerTLSV1_2KMIPV1_3',
    '1.4': 'CompleteServerTLSV1_2KMIPV1_4',
    '2.0': 'CompleteServerTLSV1_2',
  },
  cases: [],
  supported: false,
  missing: 'attestation is refused',
};
