/** Meshes of this process that run and can have WebRTC connections. */
const users = new Set<object>();

/** To be called before the first connection, of each mesh. */
export const useWebRtc = (user: object): void => void users.add(user);

/**
 * To be called when a mesh has closed its connections. After the last mesh of the process the threads of the native part end, and
 * whatever it still holds is let go of: of connections that were closed amid their negotiation it would keep some, and the process with them.
 */
export async function leaveWebRtc(user: object): Promise<void> {
  if (!users.delete(user) || users.size > 0) return;
  const { cleanup } = await import('node-datachannel');
  // It closes whatever there is, so nobody may have begun anew meanwhile.
  if (users.size > 0) return;
  try {
    cleanup();
  } catch {
    // A thread that does not end within its 10 s: the mesh has stopped all the same.
  }
}
