const pattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** Whether a name of a client, group or role is safe in paths, certificates and logs. */
export const isPlainName = (text: string): boolean => pattern.test(text);
