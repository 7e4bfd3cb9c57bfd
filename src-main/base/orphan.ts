/**
 * A child of OmniNode never outlives its parent: the parent holds an IPC channel
 * to it, which the system closes however the parent dies (also by SIGKILL).
 */
export function exitWithParent(onParentGone: () => void = () => process.exit(0)): void {
  if (process.channel === undefined) return;
  process.once('disconnect', onParentGone);
}
