/** Closes all, the last opened first, also where one of them fails; then throws what the first of those threw. */
export async function closeAll(opened: { close(): Promise<void> }[]): Promise<void> {
  const failed: unknown[] = [];
  for (const one of opened.splice(0).reverse()) await one.close().catch((error: unknown) => failed.push(error));
  if (failed.length > 0) throw failed[0];
}
