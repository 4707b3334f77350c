/** Time of the processor: a machine that is busy with other things says nothing about a pattern. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  try {
    work();
  } catch {
    // A refusal is an answer.
  }
  const { user } = process.cpuUsage(before);
  return user / 1000;
}
