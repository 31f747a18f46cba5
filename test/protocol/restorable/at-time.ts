/** Runs `use` while the clock of this process stands at that time, in milliseconds since 1970. */
export async function atTime<T>(time: number, use: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => time;
  try {
    return await use();
  } finally {
    Date.now = now;
  }
}
