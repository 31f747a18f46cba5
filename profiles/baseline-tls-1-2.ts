import type { Profile } from './profile.ts';

/** The baseline with the cipher suites of TLS 1.2 that KMIP 1.2 to 1.4 require; withdrawn in 2.0. */
export const baselineTls12: Profile = {
  name: 'Baseline Server TLS v1.2',
  servers: {
    '1.2': 'BaselineServerTLSV1_2KMIPV1_2',
    '1.3': 'BaselineServerTLSV1_2KMIPV1_3',
    '1.4': 'BaselineServerTLSV1_2KMIPV1_4',
  },
  cases: [],
  supported: false,
  missing:
    'its suites exchange keys by RSA, which only `tls.profile = "legacy"` with an RSA certificate offers',
};
